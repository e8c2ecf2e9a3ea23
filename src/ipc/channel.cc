#include "ipc/channel.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "ipc/rights.h"

namespace roundhouse::ipc {

std::span<const ConnectionInfo> Message::connections() const {
  constexpr std::size_t kFixed = offsetof(ConnectionsMessage, connections);
  const bool carries = type() == MessageType::kConnections || type() == MessageType::kReturn;
  if (!carries || size_ < kFixed) return {};
  const auto& message = *reinterpret_cast<const ConnectionsMessage*>(bytes_.data());
  if (message.count > kMaxDescriptors || message.count != descriptor_count_) return {};
  if (size_ != connections_message_size(message.count)) return {};
  return {message.connections.data(), message.count};
}

Result<std::pair<Channel, Channel>> Channel::create_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
    return fail_errno("socketpair", errno);
  }
  return std::pair(Channel(UniqueFd(ends[0])), Channel(UniqueFd(ends[1])));
}

Sent Channel::send(std::span<const std::byte> bytes, std::span<const int> descriptors) {
  iovec part{.iov_base = const_cast<std::byte*>(bytes.data()), .iov_len = bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxDescriptors)> control{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (!descriptors.empty()) {
    const std::size_t payload = descriptors.size_bytes();
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(payload);
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(payload);
    std::memcpy(CMSG_DATA(rights), descriptors.data(), payload);
  }
  while (::sendmsg(fd_.get(), &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
    if (errno == EINTR) continue;
    const bool full =
        errno == EAGAIN || errno == ETOOMANYREFS || errno == ENOBUFS || errno == ENOMEM;
    return full ? Sent::kFull : Sent::kClosed;
  }
  return Sent::kYes;
}

Sent Channel::send(MessageType type, std::uint64_t sequence,
                   std::span<const ConnectionInfo> connections, std::span<const int> descriptors) {
  CHECK(connections.size() == descriptors.size() && connections.size() <= kMaxDescriptors);
  ConnectionsMessage message;
  const std::size_t size = connections_message_size(connections.size());
  message.header = {type, static_cast<std::uint32_t>(size), sequence};
  message.count = static_cast<std::uint32_t>(connections.size());
  message.reserved = 0;
  std::ranges::copy(connections, message.connections.begin());
  return send(std::as_bytes(std::span(&message, 1)).first(size), descriptors);
}

bool Channel::is_hung_up() const {
  pollfd end{.fd = fd_.get(), .events = 0, .revents = 0};
  return ::poll(&end, 1, 0) > 0 && (end.revents & POLLHUP) != 0;
}

Received Channel::receive(Message& message) {
  for (UniqueFd& left : message.descriptors()) left.reset();
  message.descriptor_count_ = 0;
  const auto received = receive_with_descriptors(fd_.get(), message.bytes_, message.descriptors_);
  if (!received) return errno == EAGAIN ? Received::kNothing : Received::kClosed;
  message.size_ = received->size;
  message.descriptor_count_ = received->descriptors;
  if (received->size == 0) return Received::kClosed;
  if (received->descriptors_cut) return Received::kTruncated;
  const bool whole = message.size_ >= sizeof(MessageHeader) && !received->bytes_cut &&
                     message.header().size == message.size_;
  return whole ? Received::kMessage : Received::kMalformed;
}

Received Channel::receive(std::span<std::byte> buffer, Packet& packet) {
  packet.descriptor.reset();
  const auto received =
      receive_with_descriptors(fd_.get(), buffer, std::span(&packet.descriptor, 1));
  if (!received) return errno == EAGAIN ? Received::kNothing : Received::kClosed;
  packet.size = received->size;
  if (received->size == 0) return Received::kClosed;
  if (received->descriptors_cut) return Received::kTruncated;
  return received->bytes_cut ? Received::kMalformed : Received::kMessage;
}

}  // namespace roundhouse::ipc
