#include "edge/access_log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace roundhouse::edge {
namespace {

constexpr mode_t kMode = 0640;

// A file keeps its offset, which others move too, and a socket cannot be opened: these are shared.
Result<UniqueFd> open_standard(int number, const std::string& name) {
  struct stat status{};
  if (::fstat(number, &status) != 0) return fail_errno("access log " + name, errno);
  if (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode)) {
    const std::string path = "/proc/self/fd/" + std::to_string(number);
    UniqueFd own(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (own) return own;
  }
  UniqueFd shared(::fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!shared) return fail_errno("access log " + name, errno);
  return shared;
}

}  // namespace

bool has_access_log(const config::Configuration& configuration) {
  return configuration.log.access.format != config::AccessFormat::kOff &&
         std::ranges::any_of(configuration.pools,
                             [](const config::Pool& pool) { return pool.command.empty(); });
}

bool is_standard_output(std::string_view to) { return to == "stdout" || to == "stderr"; }

Result<UniqueFd> open_access_log(const std::string& to) {
  if (is_standard_output(to))
    return open_standard(to == "stdout" ? STDOUT_FILENO : STDERR_FILENO, to);
  UniqueFd file(
      ::open(to.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, kMode));
  if (!file) return fail_errno("access log " + to, errno);
  return file;
}

}  // namespace roundhouse::edge
