// Notices that nearly all connections come from one address, which makes `sticky` pointless: a
// balancer stands there, and all of its clients have the same worker.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/address.h"
#include "ipc/messages.h"

namespace roundhouse::edge {

// One per pool of policy sticky. Looks at windows of connections: the first of a window elect the
// address that most of them have (Boyer and Moore's majority vote), the others are counted. So it
// holds one address, and a connection costs one comparison. Pure.
class PeerWatch {
 public:
  static constexpr std::uint32_t kElecting = 50;
  static constexpr std::uint32_t kCounted = 200;
  static constexpr std::uint32_t kTooMany = kCounted * 9 / 10;

  struct Finding {
    Address peer;                   // AF_UNIX: all the clients of unix sockets
    std::uint32_t connections = 0;  // that it made, of kCounted
  };
  // Once for each connection. What was found at the end of a window, the first time that something
  // was; nothing from then on.
  std::optional<Finding> see(const ipc::ConnectionInfo& connection);

 private:
  using Host = std::array<std::uint8_t, 17>;  // the family, and the address
  static Host host_of(const ipc::ConnectionInfo& connection);

  bool found_ = false;
  std::uint32_t seen_ = 0;  // of this window
  std::uint32_t votes_ = 0;
  std::uint32_t from_candidate_ = 0;
  Host candidate_{};
};

}  // namespace roundhouse::edge
