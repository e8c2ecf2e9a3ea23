#include "edge/output_sink.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace roundhouse::edge {

bool OutputSink::write(std::string_view lines) {
  if (waiting_.size() + lines.size() > kMaxWaiting) return false;
  waiting_ += lines;
  if (!watcher_.watching()) flush();
  return true;
}

void OutputSink::on_ready(Ready /*ready*/) { flush(); }

// A pipe that is writable takes PIPE_BUF bytes at once. The descriptor is not made non-blocking: it
// is shared with whoever gave it to us.
void OutputSink::flush() {
  std::size_t written = 0;
  while (written < waiting_.size()) {
    pollfd ready{.fd = fd_, .events = POLLOUT, .revents = 0};
    if (::poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) break;
    const std::size_t size = std::min<std::size_t>(waiting_.size() - written, PIPE_BUF);
    const ssize_t count = ::write(fd_, waiting_.data() + written, size);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) break;
    written = count < 0 ? waiting_.size() : written + static_cast<std::size_t>(count);
  }
  waiting_.erase(0, written);
  if (waiting_.empty())
    watcher_.stop();
  else if (!watcher_.watching())
    watcher_.watch(loop_, fd_, Interest::kWrite, Trigger::kLevel, *this);
}

}  // namespace roundhouse::edge
