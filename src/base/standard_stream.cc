#include "base/standard_stream.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <string>

namespace roundhouse {

UniqueFd reopen_standard(int number) {
  struct stat status{};
  if (::fstat(number, &status) != 0) return UniqueFd();
  if (!S_ISFIFO(status.st_mode) && !S_ISCHR(status.st_mode)) return UniqueFd();
  const std::string path = "/proc/self/fd/" + std::to_string(number);
  return UniqueFd(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

std::optional<std::size_t> StandardStream::write(std::string_view bytes) const {
  if (!own_) {
    pollfd ready{.fd = number_, .events = POLLOUT, .revents = 0};
    if (::poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) return 0;
  }
  bytes = bytes.substr(0, PIPE_BUF);  // a pipe takes so much whole or not at all
  const ssize_t count = ::write(fd(), bytes.data(), bytes.size());
  if (count >= 0) return static_cast<std::size_t>(count);
  if (errno == EAGAIN || errno == EINTR) return 0;
  return std::nullopt;
}

}  // namespace roundhouse
