#include "cluster/birth.h"

#include <roundhouse/cluster.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

#include "cluster/line.h"

namespace roundhouse::membership {
namespace {

Birth find_out() {
  Birth birth;
  const char* id = std::getenv(kIdVariable);
  if (id == nullptr) return birth;
  birth.is_worker = true;
  birth.id = std::atoi(id);
  ::unsetenv(kIdVariable);
  auto heritage = ipc::Heritage::take();
  if (!heritage || !heritage->line) {
    const std::string why =
        std::string("roundhouse: ") + kIdVariable + " is set, but " +
        (heritage ? "there is no line to a primary" : heritage.error().message) + "\n";
    if (::write(STDERR_FILENO, why.data(), why.size()) < 0) ::_exit(71);
    ::_exit(71);
  }
  // It was executed as /proc/self/exe.
  ::prctl(PR_SET_NAME, program_invocation_short_name, 0, 0, 0);
  birth.heritage = *std::move(heritage);
  ipc::Channel line(std::move(birth.heritage.line));
  const LineHeader online{LineKind::kOnline, 0};
  line.send(std::as_bytes(std::span(&online, 1)));
  birth.heritage.line = line.release();
  return birth;
}

// Not before this file's own variables, but before main, whoever asks or does not ask.
[[maybe_unused]] const bool kDecided = (birth(), true);

}  // namespace

Birth& birth() {
  static Birth birth = find_out();
  return birth;
}

}  // namespace roundhouse::membership

namespace roundhouse::cluster {

bool is_worker() { return membership::birth().is_worker; }
bool is_primary() { return !is_worker(); }

}  // namespace roundhouse::cluster
