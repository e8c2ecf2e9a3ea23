// How the sockets of an address are, and whether they can become others while the program runs.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/address.h"
#include "config/options.h"

namespace roundhouse::config {

bool is_in_kernel(const Pool& pool, const Address& address);

// How many sockets of an address the kernel rotates over. Workers that we cannot hand anything to
// accept what the kernel puts into their queues, and nobody else does: each queue is somebody's.
std::size_t queues_of(bool foreign, std::uint32_t workers, const PoolRows& rows);

struct SocketKind {
  std::size_t queues = 0;  // 0: one socket, and the kernel does not rotate
  bool foreign = false;    // of a program that accepts by itself
  bool same_listener = true;
};

// Why what there is cannot become what is wanted by one reload. Empty: it can.
std::string_view refusal_of_change(const SocketKind& before, const SocketKind& next);

}  // namespace roundhouse::config
