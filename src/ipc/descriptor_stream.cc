#include "ipc/descriptor_stream.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "ipc/rights.h"

namespace roundhouse::ipc {
namespace {

constexpr int kBuffer = 4 << 20;  // what is wished; the kernel bounds it by net.core.wmem_max

using OneDescriptor = std::array<char, CMSG_SPACE(sizeof(int))>;

void attach(msghdr& header, OneDescriptor& control, int descriptor) {
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  cmsghdr* rights = CMSG_FIRSTHDR(&header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof descriptor);
  std::memcpy(CMSG_DATA(rights), &descriptor, sizeof descriptor);
}

}  // namespace

Result<std::pair<UniqueFd, UniqueFd>> create_stream_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
    return fail_errno("socketpair", errno);
  for (const int end : ends) ::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &kBuffer, sizeof kBuffer);
  return std::pair(UniqueFd(ends[0]), UniqueFd(ends[1]));
}

StreamSent send_parts(int fd, std::span<const StreamPart> parts) {
  std::array<mmsghdr, kMaxStreamParts> headers{};
  std::array<iovec, kMaxStreamParts> bytes;
  alignas(cmsghdr) std::array<OneDescriptor, kMaxStreamParts> controls;
  const std::size_t count = std::min(parts.size(), kMaxStreamParts);
  for (std::size_t i = 0; i < count; ++i) {
    bytes[i] = {.iov_base = const_cast<char*>(parts[i].bytes.data()),
                .iov_len = parts[i].bytes.size()};
    headers[i].msg_hdr.msg_iov = &bytes[i];
    headers[i].msg_hdr.msg_iovlen = 1;
    if (parts[i].descriptor >= 0) attach(headers[i].msg_hdr, controls[i], parts[i].descriptor);
  }
  StreamSent result;
  int sent = -1;
  while ((sent = ::sendmmsg(fd, headers.data(), static_cast<unsigned>(count),
                            MSG_NOSIGNAL | MSG_DONTWAIT)) < 0) {
    if (errno == EINTR) continue;
    const bool full =
        errno == EAGAIN || errno == ETOOMANYREFS || errno == ENOBUFS || errno == ENOMEM;
    result.status = full ? Sent::kFull : Sent::kClosed;
    return result;
  }
  for (std::size_t i = 0; i < static_cast<std::size_t>(sent); ++i) {
    if (headers[i].msg_len < parts[i].bytes.size()) {
      // The kernel sends nothing after a message that it cut short.
      result.partial = headers[i].msg_len;
      break;
    }
    ++result.whole;
  }
  if (result.whole < count) result.status = Sent::kFull;
  return result;
}

StreamReceived receive_bytes(int fd, std::span<char> buffer) {
  const auto received = receive_with_descriptors(fd, std::as_writable_bytes(buffer), {});
  if (!received) return {.status = errno == EAGAIN ? Received::kNothing : Received::kClosed};
  if (received->size == 0) return {.status = Received::kClosed};
  return {.status = Received::kMessage, .size = received->size};
}

std::size_t unread_bytes(int fd) {
  int bytes = 0;
  return ::ioctl(fd, FIONREAD, &bytes) == 0 && bytes > 0 ? static_cast<std::size_t>(bytes) : 0;
}

}  // namespace roundhouse::ipc
