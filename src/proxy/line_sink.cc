#include "proxy/line_sink.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace roundhouse::proxy {

LineSink::LineSink(UniqueFd fd) : fd_(std::move(fd)) {
  struct stat status{};
  if (::fstat(fd_.get(), &status) == 0) {
    if (S_ISREG(status.st_mode)) kind_ = Kind::kFile;
    if (S_ISSOCK(status.st_mode)) kind_ = Kind::kSocket;
  }
  waits_ = kind_ == Kind::kStream && (::fcntl(fd_.get(), F_GETFL) & O_NONBLOCK) == 0;
}

std::string_view LineSink::chunk_of(std::string_view lines) const {
  if (kind_ == Kind::kFile || lines.size() <= kChunk) return lines;
  const std::size_t end = lines.rfind('\n', kChunk - 1);
  return lines.substr(0, end == lines.npos ? kChunk : end + 1);
}

bool LineSink::may_wait() const {
  if (!waits_) return false;
  pollfd ready{.fd = fd_.get(), .events = POLLOUT, .revents = 0};
  return ::poll(&ready, 1, 0) != 1;
}

LineSink::Written LineSink::write(std::string_view lines) {
  std::size_t done = 0;
  while (done < lines.size()) {
    if (may_wait()) return {done, Status::kBlocked, EAGAIN};
    const std::string_view chunk = chunk_of(lines.substr(done));
    const ssize_t taken = kind_ == Kind::kSocket ? ::send(fd_.get(), chunk.data(), chunk.size(),
                                                          MSG_DONTWAIT | MSG_NOSIGNAL)
                                                 : ::write(fd_.get(), chunk.data(), chunk.size());
    if (taken >= 0) {
      done += static_cast<std::size_t>(taken);
      continue;
    }
    if (errno == EINTR) continue;
    const Status status =
        errno == EAGAIN || errno == EWOULDBLOCK ? Status::kBlocked : Status::kFailed;
    return {done, status, errno};
  }
  return {done, Status::kAll, 0};
}

}  // namespace roundhouse::proxy
