#include "base/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <optional>

namespace roundhouse {
namespace {

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

bool is_mapped(const sockaddr_in6& v6) { return IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr); }

// What inet_ntop does with sprintf, for it is asked for with every request.
std::string dotted(std::span<const std::uint8_t> bytes) {
  char text[INET_ADDRSTRLEN];
  char* end = text;
  for (const std::uint8_t byte : bytes) {
    if (end != text) *end++ = '.';
    end = std::to_chars(end, std::end(text), byte).ptr;
  }
  return {text, end};
}

}  // namespace

Address::Address(const sockaddr* address, socklen_t length) {
  size_ = std::min<socklen_t>(length, sizeof storage_);
  std::memcpy(&storage_, address, size_);
}

bool Address::operator==(const Address& other) const {
  return size_ == other.size_ && std::memcmp(&storage_, &other.storage_, size_) == 0;
}

Address Address::ipv4(std::uint32_t host_order, std::uint16_t port) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  v4.sin_addr.s_addr = htonl(host_order);
  return {reinterpret_cast<const sockaddr*>(&v4), sizeof v4};
}

Address Address::ipv6_any(std::uint16_t port) {
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  return {reinterpret_cast<const sockaddr*>(&v6), sizeof v6};
}

Address Address::loopback(std::uint16_t port) { return ipv4(INADDR_LOOPBACK, port); }

Result<Address> Address::parse(std::string_view text) {
  if (text.starts_with("unix:")) {
    std::string_view path = text.substr(5);
    sockaddr_un un{};
    un.sun_family = AF_UNIX;
    if (path.empty()) return fail("a unix address needs a path, as in unix:/run/app.sock");
    if (path.size() >= sizeof un.sun_path)
      return fail("the path of a unix socket has at most 107 bytes");
    std::memcpy(un.sun_path, path.data(), path.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
    return Address(reinterpret_cast<const sockaddr*>(&un), size);
  }
  const auto colon = text.rfind(':');
  const auto port = parse_port(colon == text.npos ? text : text.substr(colon + 1));
  if (!port) return fail("expected a port (0 to 65535), host:port, [v6]:port or unix:/path");
  if (colon == text.npos) return ipv6_any(*port);

  std::string host(text.substr(0, colon));
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    in6_addr parsed{};
    if (inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &parsed) != 1) {
      return fail("'" + host + "' is not an IPv6 address in brackets");
    }
    Address address = ipv6_any(*port);
    address.storage_.v6.sin6_addr = parsed;
    return address;
  }
  if (host == "localhost") return loopback(*port);
  in_addr parsed{};
  if (inet_pton(AF_INET, host.c_str(), &parsed) != 1) {
    return fail("'" + host + "' is not a numeric IPv4 address (an IPv6 address goes in brackets)");
  }
  return ipv4(ntohl(parsed.s_addr), *port);
}

bool Address::is_any() const {
  if (family() == AF_INET) return storage_.v4.sin_addr.s_addr == INADDR_ANY;
  return family() == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&storage_.v6.sin6_addr);
}

bool Address::is_loopback() const {
  const auto bytes = host_bytes();
  if (family() == AF_UNIX) return true;
  if (bytes.size() == 4) return bytes[0] == 127;
  return family() == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&storage_.v6.sin6_addr);
}

std::uint16_t Address::port() const {
  if (family() == AF_INET) return ntohs(storage_.v4.sin_port);
  if (family() == AF_INET6) return ntohs(storage_.v6.sin6_port);
  return 0;
}

Address Address::with_port(std::uint16_t port) const {
  Address copy = *this;
  if (family() == AF_INET) copy.storage_.v4.sin_port = htons(port);
  if (family() == AF_INET6) copy.storage_.v6.sin6_port = htons(port);
  return copy;
}

std::string_view Address::unix_path() const {
  if (!is_unix() || size_ <= offsetof(sockaddr_un, sun_path)) return {};
  const std::size_t bytes = size_ - offsetof(sockaddr_un, sun_path);
  return {storage_.un.sun_path, strnlen(storage_.un.sun_path, bytes)};
}

std::string Address::host() const {
  const auto bytes = host_bytes();
  if (is_unix()) return "unix";
  if (bytes.empty()) return "unknown";
  if (bytes.size() == 4) return dotted(bytes);
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(AF_INET6, bytes.data(), text, sizeof text);
  return text;
}

std::string Address::to_string() const {
  if (is_unix()) return "unix:" + std::string(unix_path());
  const std::string name = host();
  const std::string port_text = std::to_string(port());
  return host_bytes().size() == 16 ? "[" + name + "]:" + port_text : name + ":" + port_text;
}

std::span<const std::uint8_t> Address::host_bytes() const {
  if (family() == AF_INET) {
    return {reinterpret_cast<const std::uint8_t*>(&storage_.v4.sin_addr), 4};
  }
  if (family() != AF_INET6) return {};
  const auto* bytes = storage_.v6.sin6_addr.s6_addr;
  if (is_mapped(storage_.v6)) return {bytes + 12, 4};
  return {bytes, 16};
}

}  // namespace roundhouse
