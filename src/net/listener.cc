#include "net/listener.h"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

namespace roundhouse {
namespace {

std::string binding(const Address& address) { return "bind " + address.to_string(); }

Result<UniqueFd> open_socket(int family) {
  UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("socket", errno);
  return fd;
}

void defer(int fd, Duration most) {
  const auto seconds = static_cast<int>(std::chrono::ceil<std::chrono::seconds>(most).count());
  ::setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds);
}

Result<ListeningSocket> listen_tcp(const Address& wanted, const ListenOptions& options) {
  Address address = wanted;
  auto opened = open_socket(address.family());
  if (!opened && opened.error().system_errno == EAFNOSUPPORT && address.is_any()) {
    address = Address::ipv4(INADDR_ANY, address.port());
    opened = open_socket(AF_INET);
  }
  UniqueFd fd = TRY(std::move(opened));
  const int on = 1;
  const int only_v6 = options.only_v6 ? 1 : 0;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (options.shares_port) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (options.defer > Duration::zero()) defer(fd.get(), options.defer);
  if (address.family() == AF_INET6 && address.is_any()) {
    ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof only_v6);
  }
  if (::bind(fd.get(), address.data(), address.size()) != 0) {
    // A kernel with the IPv6 module but no IPv6 address (a container with it disabled).
    if (errno == EADDRNOTAVAIL && address.family() == AF_INET6 && address.is_any()) {
      return listen_tcp(Address::ipv4(INADDR_ANY, address.port()), options);
    }
    return fail_errno(binding(wanted), errno);
  }
  if (::listen(fd.get(), options.backlog) != 0)
    return fail_errno("listen on " + wanted.to_string(), errno);
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
    return fail_errno("getsockname", errno);
  }
  return ListeningSocket{std::move(fd), Address(reinterpret_cast<const sockaddr*>(&bound), size)};
}

bool somebody_answers(const Address& address) {
  auto fd = open_socket(AF_UNIX);
  return fd && (::connect(fd->get(), address.data(), address.size()) == 0 || errno == EAGAIN);
}

Result<ListeningSocket> listen_unix(const Address& address, const ListenOptions& options) {
  const std::string path(address.unix_path());
  struct stat status{};
  if (::lstat(path.c_str(), &status) == 0) {
    if (!S_ISSOCK(status.st_mode))
      return fail_errno(binding(address) + ": it exists and is no socket", EEXIST);
    if (somebody_answers(address)) return fail_errno(binding(address), EADDRINUSE);
  }
  const std::string temporary = path + "." + std::to_string(::getpid());
  auto renamed = Address::parse("unix:" + temporary);
  if (!renamed) return fail(binding(address) + ": " + renamed.error().message, ExitCode::kSystem);
  UniqueFd fd = TRY(open_socket(AF_UNIX));
  ::unlink(temporary.c_str());
  if (::bind(fd.get(), renamed->data(), renamed->size()) != 0)
    return fail_errno(binding(address), errno);
  const bool ready = ::chmod(temporary.c_str(), options.unix_mode) == 0 &&
                     ::listen(fd.get(), options.backlog) == 0 &&
                     ::rename(temporary.c_str(), path.c_str()) == 0;
  if (!ready) {
    const int why = errno;
    ::unlink(temporary.c_str());
    return fail_errno(binding(address), why);
  }
  return ListeningSocket{std::move(fd), address};
}

}  // namespace

Result<ListeningSocket> listen_on(const Address& address, const ListenOptions& options) {
  auto listening = address.is_unix() ? listen_unix(address, options) : listen_tcp(address, options);
  if (listening) listening->asked = address;
  return listening;
}

bool peer_has_ended(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  return ::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
         info.tcpi_state == TCP_CLOSE_WAIT;
}

std::optional<Address> peer_of_connection(int fd) {
  int type = 0;
  socklen_t size = sizeof type;
  sockaddr_storage peer{};
  socklen_t length = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_STREAM)
    return std::nullopt;
  auto* const address = reinterpret_cast<sockaddr*>(&peer);
  if (::getpeername(fd, address, &length) != 0) return std::nullopt;
  return Address(address, length);
}

bool has_queued(int listening_fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  // Of a listening socket tcpi_unacked is the length of its accept queue.
  return ::getsockopt(listening_fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
         info.tcpi_unacked > 0;
}

void adjust(const ListeningSocket& listening, const ListenOptions& options) {
  ::listen(listening.fd.get(), options.backlog);
  if (!listening.address.is_unix()) defer(listening.fd.get(), options.defer);
}

void stop_deferring(int listening_fd) { defer(listening_fd, Duration::zero()); }

AcceptStatus accept_from(int listening_fd, Accepted& accepted) {
  for (;;) {
    sockaddr_storage peer;
    socklen_t size = sizeof peer;
    const int fd = ::accept4(listening_fd, reinterpret_cast<sockaddr*>(&peer), &size,
                             SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      accepted.fd.reset(fd);
      accepted.peer = Address(reinterpret_cast<const sockaddr*>(&peer), size);
      return AcceptStatus::kAccepted;
    }
    switch (errno) {
      case EAGAIN:
        return AcceptStatus::kNothing;
      case EMFILE:
      case ENFILE:
      case ENOBUFS:
      case ENOMEM:
        return AcceptStatus::kNoDescriptors;
      case EINTR:
      case ECONNABORTED:
      case EPROTO:
      case EPERM:  // a firewall rule
      case ENETDOWN:
      case EHOSTDOWN:
      case EHOSTUNREACH:
      case ENETUNREACH:
      case ENONET:
      case ENOPROTOOPT:
        continue;  // this connection is gone (accept(2)); the next one may be well
      default:
        return AcceptStatus::kNothing;
    }
  }
}

}  // namespace roundhouse
