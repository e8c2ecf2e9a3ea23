// What the kernel says of the TCP sockets of this machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/error.h"

namespace roundhouse {

struct TcpSocket {
  std::uint64_t inode = 0;  // as in /proc/PID/fd: "socket:[INODE]"
  std::uint16_t local_port = 0;
};

enum class TcpState : std::uint8_t { kEstablished = 1, kListening = 10 };

// Those in this state and with one of these local ports (none: any), IPv4 and IPv6, of this network
// namespace; at most `most`, whichever come first. By sock_diag(7): what is asked for is found by
// the kernel, so listening sockets cost nothing for the established ones, as the lines of
// /proc/net/tcp would. Error: this kernel, or sandbox, does not tell.
Result<std::vector<TcpSocket>> tcp_sockets(TcpState state, std::span<const std::uint16_t> ports,
                                           std::size_t most);

}  // namespace roundhouse
