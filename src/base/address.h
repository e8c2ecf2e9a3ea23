// A socket address: IPv4, IPv6 or a unix path. A value; owns nothing.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace roundhouse {

class Address {
 public:
  Address() = default;  // AF_UNSPEC: no address
  Address(const sockaddr* address, socklen_t length);

  static Address ipv4(std::uint32_t host_order, std::uint16_t port);
  static Address ipv6_any(std::uint16_t port);
  static Address loopback(std::uint16_t port);

  // "8000" (every interface: IPv6 and IPv4 where there is IPv6), "host:port", "[v6]:port",
  // "unix:/path". Only numeric hosts: the edge never asks a resolver. Error: the operator's words,
  // without a prefix.
  static Result<Address> parse(std::string_view text);

  int family() const { return storage_.any.sa_family; }
  bool is_unix() const { return family() == AF_UNIX; }
  bool is_any() const;
  bool is_loopback() const;  // 127.0.0.0/8, ::1 (also mapped), or a unix socket
  std::uint16_t port() const;
  Address with_port(std::uint16_t port) const;
  std::string_view unix_path() const;

  // "127.0.0.1:80", "[::1]:80", "unix:/path"; an IPv4-mapped IPv6 address is written as IPv4.
  std::string to_string() const;
  // The host alone: "127.0.0.1", "::1", "unix".
  std::string host() const;
  // The bytes of the address without the port (16 of them for IPv6, mapped ones shortened to 4):
  // what `sticky` hashes.
  std::span<const std::uint8_t> host_bytes() const;

  // The same bytes: a mapped address is not its IPv4 address.
  bool operator==(const Address& other) const;

  const sockaddr* data() const { return &storage_.any; }
  socklen_t size() const { return size_; }

 private:
  union {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
    sockaddr_un un;
  } storage_ = {};
  socklen_t size_ = sizeof(sa_family_t);
};

}  // namespace roundhouse
