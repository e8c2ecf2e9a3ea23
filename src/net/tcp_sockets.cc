#include "net/tcp_sockets.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/unique_fd.h"

namespace roundhouse {
namespace {

// As large as the kernel fills at once.
constexpr std::size_t kAnswer = 32768;

struct Question {
  nlmsghdr header;
  inet_diag_req_v2 request;
};

Result<void> ask(int fd, int family, TcpState state) {
  Question question{};
  question.header.nlmsg_len = sizeof question;
  question.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  question.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  question.request.sdiag_family = static_cast<std::uint8_t>(family);
  question.request.sdiag_protocol = IPPROTO_TCP;
  question.request.idiag_states = 1U << static_cast<unsigned>(state);
  if (::send(fd, &question, sizeof question, 0) < 0) return fail_errno("sock_diag", errno);
  return {};
}

struct Wish {
  std::span<const std::uint16_t> ports;
  std::size_t most;
};

struct Part {
  bool last = false;
  int error = 0;
};

// One datagram of the answer.
Part read_part(const char* data, std::size_t size, const Wish& wish,
               std::vector<TcpSocket>& sockets) {
  nlmsghdr header{};
  while (size >= sizeof header) {
    std::memcpy(&header, data, sizeof header);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > size) break;
    if (header.nlmsg_type == NLMSG_DONE) return {.last = true};
    if (header.nlmsg_type == NLMSG_ERROR) {
      nlmsgerr error{};
      if (header.nlmsg_len >= sizeof header + sizeof error)
        std::memcpy(&error, data + sizeof header, sizeof error);
      return {.last = true, .error = error.error == 0 ? EIO : -error.error};
    }
    if (header.nlmsg_len >= sizeof header + sizeof(inet_diag_msg)) {
      inet_diag_msg message{};
      std::memcpy(&message, data + sizeof header, sizeof message);
      const std::uint16_t port = ntohs(message.id.idiag_sport);
      const bool wanted =
          wish.ports.empty() || std::ranges::find(wish.ports, port) != wish.ports.end();
      if (wanted && sockets.size() == wish.most) return {.last = true};
      if (wanted) sockets.push_back({.inode = message.idiag_inode, .local_port = port});
    }
    const std::size_t whole = NLMSG_ALIGN(header.nlmsg_len);
    if (whole >= size) break;
    data += whole;
    size -= whole;
  }
  return {};
}

}  // namespace

Result<std::vector<TcpSocket>> tcp_sockets(TcpState state, std::span<const std::uint16_t> ports,
                                           std::size_t most) {
  const Wish wish{.ports = ports, .most = most};
  std::vector<TcpSocket> sockets;
  for (const int family : {AF_INET, AF_INET6}) {
    // One each: a question whose answer is not read to its end stands in the way of the next.
    const UniqueFd fd(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
    if (!fd) return fail_errno("sock_diag", errno);
    TRY_VOID(ask(fd.get(), family, state));
    for (Part part; !part.last;) {
      alignas(nlmsghdr) std::array<char, kAnswer> answer;
      // The kernel has put a part there whenever it is not at the end: this waits for nobody.
      const ssize_t size = ::recv(fd.get(), answer.data(), answer.size(), MSG_DONTWAIT);
      if (size < 0 && errno == EINTR) continue;
      if (size <= 0) return fail_errno("sock_diag", size < 0 ? errno : EIO);
      part = read_part(answer.data(), static_cast<std::size_t>(size), wish, sockets);
      if (part.error == ENOENT && family == AF_INET6) break;  // no IPv6 here
      if (part.error != 0) return fail_errno("sock_diag", part.error);
    }
  }
  return sockets;
}

}  // namespace roundhouse
