#include "ipc/channel.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace roundhouse::ipc {
namespace {

Received receive_one(int fd, std::span<std::byte> buffer, std::size_t& bytes,
                     std::array<UniqueFd, kMaxDescriptors>& descriptors, std::size_t& count) {
  count = 0;
  iovec part{.iov_base = buffer.data(), .iov_len = buffer.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxDescriptors)> control;
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  ssize_t size = -1;
  while ((size = ::recvmsg(fd, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT)) < 0) {
    if (errno == EINTR) continue;
    return errno == EAGAIN ? Received::kNothing : Received::kClosed;
  }
  bytes = static_cast<std::size_t>(size);
  for (cmsghdr* part_of = CMSG_FIRSTHDR(&header); part_of != nullptr;
       part_of = CMSG_NXTHDR(&header, part_of)) {
    if (part_of->cmsg_level != SOL_SOCKET || part_of->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t all = (part_of->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < all && count < kMaxDescriptors; ++i) {
      int received = -1;
      std::memcpy(&received, CMSG_DATA(part_of) + i * sizeof(int), sizeof received);
      descriptors[count++].reset(received);
    }
  }
  if (size == 0) return Received::kClosed;
  if ((header.msg_flags & MSG_CTRUNC) != 0) return Received::kTruncated;
  return (header.msg_flags & MSG_TRUNC) == 0 ? Received::kMessage : Received::kMalformed;
}

}  // namespace

std::span<const ConnectionInfo> Message::connections() const {
  constexpr std::size_t kFixed = offsetof(ConnectionsMessage, connections);
  if (type() != MessageType::kConnections || size_ < kFixed) return {};
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

bool Channel::is_hung_up() const {
  pollfd end{.fd = fd_.get(), .events = 0, .revents = 0};
  return ::poll(&end, 1, 0) > 0 && (end.revents & POLLHUP) != 0;
}

Received Channel::receive(Message& message) {
  for (UniqueFd& left : message.descriptors()) left.reset();
  const Received received = receive_one(fd_.get(), message.bytes_, message.size_,
                                        message.descriptors_, message.descriptor_count_);
  if (received != Received::kMessage) return received;
  const bool whole =
      message.size_ >= sizeof(MessageHeader) && message.header().size == message.size_;
  return whole ? Received::kMessage : Received::kMalformed;
}

Received Channel::receive(std::span<std::byte> buffer, Packet& packet) {
  std::array<UniqueFd, kMaxDescriptors> descriptors;
  std::size_t count = 0;
  const Received received = receive_one(fd_.get(), buffer, packet.size, descriptors, count);
  packet.descriptor = std::move(descriptors.front());
  return received;
}

}  // namespace roundhouse::ipc
