// The header of the PROXY protocol, versions 1 and 2, as HAProxy's proxy-protocol.txt has it: what
// a balancer says of its client before the client's first byte. Pure: no sockets, no clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/address.h"

namespace roundhouse {

// The longest that is read. A version 2 header may say of itself that it has 64 KiB; balancers send
// addresses and a few hundred bytes of what they know beside them.
inline constexpr std::size_t kProxyHeaderMax = 4096;

struct ProxyHeader {
  enum class Status : std::uint8_t { kMore, kDone, kMalformed };
  Status status = Status::kMore;
  // Of kDone, as is:
  std::size_t size = 0;           // of the header; what follows is the client's
  std::optional<Address> source;  // none: it names no TCP client (LOCAL, UNKNOWN, a unix socket)
};

// What the bytes begin with. kMore only while they can become a header, so never for
// kProxyHeaderMax bytes.
//
// Strict where the protocol leaves a choice: the addresses and ports of version 1 have no leading
// zeros, and of version 2 the TLVs fill the header to its end, and a CRC32C among them must be
// right.
ProxyHeader read_proxy_header(std::string_view bytes);

// Of a connection from `source` to `destination`. Where they are not both IP addresses, and where
// there are none (a probe of ours), it says that it names nobody.
std::string proxy_header_v1(const Address& source, const Address& destination);
std::string proxy_header_v2(const Address& source, const Address& destination);
// Of a connection that is for no client (LOCAL; version 1 has UNKNOWN).
std::string proxy_header_v2_local();

}  // namespace roundhouse
