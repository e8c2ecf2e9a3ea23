#include "cluster/line.h"

#include <fcntl.h>
#include <poll.h>

#include <cerrno>
#include <cstring>

namespace roundhouse::membership {
namespace {

constexpr int kPacketsPerTurn = 32;  // a worker that never stops talking keeps nobody waiting

}  // namespace

void Line::open(ipc::Channel channel) {
  close();
  channel_ = std::move(channel);
  watch();
}

void Line::close() {
  watcher_.stop();
  channel_.close();
  unsent_.clear();
}

void Line::watch() {
  if (!channel_) return;
  watcher_.watch(loop_, channel_.fd(), unsent_.empty() ? Interest::kRead : Interest::kReadWrite,
                 Trigger::kLevel, *this);
}

int Line::send(LineHeader header, std::span<const std::byte> content, int descriptor) {
  if (!channel_) return ENOTCONN;
  if (content.size() > kLineBytesMax) return EMSGSIZE;
  if (descriptor >= 0 && ::fcntl(descriptor, F_GETFD) < 0) return EBADF;
  std::vector<std::byte> bytes(sizeof header + content.size());
  std::memcpy(bytes.data(), &header, sizeof header);
  if (!content.empty()) std::memcpy(bytes.data() + sizeof header, content.data(), content.size());
  if (unsent_.empty()) {
    const std::size_t count = descriptor >= 0 ? 1 : 0;
    const ipc::Sent sent = channel_.send(bytes, std::span(&descriptor, count));
    if (sent == ipc::Sent::kYes) return 0;
    if (sent == ipc::Sent::kClosed) return ENOTCONN;  // its end will be read
  }
  if (unsent_.size() >= kLineQueuedMax) return ENOBUFS;
  UniqueFd kept;
  if (descriptor >= 0) {
    kept.reset(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
    if (!kept) return errno;
  }
  unsent_.push_back({std::move(bytes), std::move(kept)});
  if (unsent_.size() == 1) watch();
  return 0;
}

void Line::flush() {
  while (!unsent_.empty()) {
    const Unsent& next = unsent_.front();
    const int descriptor = next.descriptor.get();
    const std::size_t count = descriptor >= 0 ? 1 : 0;
    const ipc::Sent sent = channel_.send(next.bytes, std::span(&descriptor, count));
    if (sent == ipc::Sent::kFull) return;
    unsent_.pop_front();  // where nobody reads any more it is lost
  }
  watch();
}

void Line::on_ready(Ready ready) {
  if (ready.writable) flush();
  for (int i = 0; ready.readable && i < kPacketsPerTurn; ++i) {
    if (!read_one()) return;
  }
}

bool Line::read_one() {
  if (!channel_) return false;
  static std::vector<std::byte> buffer(sizeof(LineHeader) + kLineBytesMax);
  ipc::Packet packet;
  const ipc::Received received = channel_.receive(buffer, packet);
  if (received == ipc::Received::kNothing) return false;
  const bool whole =
      (received == ipc::Received::kMessage ||
       received == ipc::Received::kTruncated) &&  // it travels without its descriptor
      packet.size >= sizeof(LineHeader);
  if (!whole) {
    close();
    listener_.on_line_closed();
    return false;
  }
  LineHeader header;
  std::memcpy(&header, buffer.data(), sizeof header);
  listener_.on_packet(header, std::span(buffer).subspan(sizeof header, packet.size - sizeof header),
                      std::move(packet.descriptor));
  return true;
}

bool Line::wait(Time deadline) {
  if (!channel_) return false;
  const int events = unsent_.empty() ? POLLIN : POLLIN | POLLOUT;
  pollfd end{.fd = channel_.fd(), .events = static_cast<short>(events), .revents = 0};
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  if (left <= 0) return false;
  const int ready = ::poll(&end, 1, static_cast<int>(left));
  if (ready < 0 && errno == EINTR) return true;
  if (ready <= 0) return false;
  if ((end.revents & POLLOUT) != 0) flush();
  if ((end.revents & ~POLLOUT) != 0) read_one();
  return is_open();
}

void Line::read_rest() {
  while (read_one()) {
  }
}

}  // namespace roundhouse::membership
