#include "ipc/rights.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace roundhouse::ipc {

std::optional<ReceivedBytes> receive_with_descriptors(int fd, std::span<std::byte> buffer,
                                                      std::span<UniqueFd> into) {
  iovec part{.iov_base = buffer.data(), .iov_len = buffer.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxDescriptors)> control;
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  ssize_t size = -1;
  while ((size = ::recvmsg(fd, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT)) < 0) {
    if (errno != EINTR) return std::nullopt;
  }
  ReceivedBytes received{.size = static_cast<std::size_t>(size),
                         .bytes_cut = (header.msg_flags & MSG_TRUNC) != 0,
                         .descriptors_cut = (header.msg_flags & MSG_CTRUNC) != 0};
  for (cmsghdr* rights = CMSG_FIRSTHDR(&header); rights != nullptr;
       rights = CMSG_NXTHDR(&header, rights)) {
    if (rights->cmsg_level != SOL_SOCKET || rights->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(rights) + i * sizeof number, sizeof number);
      UniqueFd owned(number);
      if (received.descriptors < into.size()) into[received.descriptors++] = std::move(owned);
    }
  }
  return received;
}

}  // namespace roundhouse::ipc
