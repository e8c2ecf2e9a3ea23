#include "edge/access_log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/standard_stream.h"

namespace roundhouse::edge {
namespace {

constexpr mode_t kMode = 0640;

Result<UniqueFd> open_standard(int number, const std::string& name) {
  if (UniqueFd own = reopen_standard(number)) return own;
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
