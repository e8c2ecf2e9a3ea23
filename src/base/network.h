// A set of hosts: those whose address begins with certain bits. "10.0.0.0/8", "2001:db8::/32", one
// address alone, or "unix": every peer on a unix socket. A value.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/address.h"

namespace roundhouse {

class Network {
 public:
  // Error: the operator's words, without a prefix. Bits behind the prefix must be 0: whoever writes
  // 10.1.2.3/8 means something else.
  static Result<Network> parse(std::string_view text);

  // An IPv4-mapped IPv6 address counts as IPv4.
  bool contains(const Address& address) const;
  std::string to_string() const;
  bool operator==(const Network&) const = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
  std::uint8_t size_ = 0;  // 4 or 16; 0: unix
  std::uint8_t bits_ = 0;
};

}  // namespace roundhouse
