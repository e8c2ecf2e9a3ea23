#include "edge/node_sockets.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <filesystem>

#include "base/address.h"
#include "net/listener.h"

namespace roundhouse::edge {
namespace {

constexpr std::uint32_t kIpv6Only = 1;      // UV_TCP_IPV6ONLY, UV_UDP_IPV6ONLY
constexpr std::uint32_t kReuseAddress = 4;  // UV_UDP_REUSEADDR
constexpr int kBacklog = 511;               // Node's
constexpr unsigned kUnixMode = 0755;
constexpr std::size_t kPathMax = sizeof(sockaddr_un{}.sun_path) - 1;

// Node resolves names in the worker: what comes is numeric.
std::expected<Address, int> address_of(const NodeListen& asked, bool ipv6) {
  if (asked.port < 0 || asked.port > 65535) return std::unexpected(EINVAL);
  const auto port = static_cast<std::uint16_t>(asked.port);
  if (!asked.address) return ipv6 ? Address::ipv6_any(port) : Address::ipv4(INADDR_ANY, port);
  const bool has_colon = asked.address->find(':') != std::string::npos;
  auto address = Address::parse((has_colon ? "[" + *asked.address + "]" : *asked.address) + ":" +
                                std::to_string(port));
  if (!address) return std::unexpected(EINVAL);
  return *address;
}

std::expected<NodeSocket, int> bind_to(const Address& address, const NodeListen& asked) {
  const int kind = asked.is_udp() ? SOCK_DGRAM : SOCK_STREAM;
  NodeSocket socket;
  socket.fd.reset(::socket(address.family(), kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.fd) return std::unexpected(errno);
  const int on = 1;
  const int ipv6_only = (asked.flags & kIpv6Only) != 0 ? 1 : 0;
  if (!asked.is_udp() || (asked.flags & kReuseAddress) != 0)
    ::setsockopt(socket.fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.family() == AF_INET6)
    ::setsockopt(socket.fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &ipv6_only, sizeof ipv6_only);
  if (::bind(socket.fd.get(), address.data(), address.size()) != 0) return std::unexpected(errno);
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(socket.fd.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0)
    return std::unexpected(errno);
  const Address name(reinterpret_cast<const sockaddr*>(&bound), size);
  socket.name = {.address = name.host(), .ipv6 = name.family() == AF_INET6, .port = name.port()};
  return socket;
}

// Where the whole path is too long for a socket's name, the path from here may do.
std::expected<NodeSocket, int> bind_unix(const NodeListen& asked) {
  if (!asked.address || asked.address->empty()) return std::unexpected(EINVAL);
  std::string path = *asked.address;
  std::error_code ignored;
  if (path.size() > kPathMax)
    path = std::filesystem::path(path).lexically_relative(std::filesystem::current_path(ignored));
  const auto address = Address::parse("unix:" + path);
  if (!address) return std::unexpected(ENAMETOOLONG);
  const unsigned mode =
      kUnixMode | (asked.readable_all ? 0444U : 0U) | (asked.writable_all ? 0222U : 0U);
  auto listening = listen_on(
      *address, {.backlog = asked.backlog > 0 ? static_cast<int>(asked.backlog) : kBacklog,
                 .unix_mode = mode});
  if (!listening) {
    const int why = listening.error().system_errno;
    return std::unexpected(why == 0 ? EINVAL : why == EEXIST ? EADDRINUSE : why);
  }
  return NodeSocket{.fd = std::move(listening->fd), .path = path};
}

}  // namespace

std::expected<NodeSocket, int> bind_for_node(const NodeListen& asked) {
  if (asked.type == NodeListen::Type::kUnix) return bind_unix(asked);
  const bool any = !asked.address && asked.is_tcp();
  const bool ipv6 =
      any || asked.type == NodeListen::Type::kUdp6 || asked.type == NodeListen::Type::kTcp6;
  const auto address = address_of(asked, ipv6);
  if (!address) return std::unexpected(address.error());
  auto bound = bind_to(*address, asked);
  const bool no_ipv6 =
      !bound && any && (bound.error() == EAFNOSUPPORT || bound.error() == EADDRNOTAVAIL);
  if (!no_ipv6) return bound;
  return bind_to(Address::ipv4(INADDR_ANY, address->port()), asked);
}

}  // namespace roundhouse::edge
