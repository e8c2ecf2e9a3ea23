#include "config/socket_change.h"

namespace roundhouse::config {

bool is_in_kernel(const Pool& pool, const Address& address) {
  return pool.policy == Policy::kRrKernel && !address.is_unix();
}

std::size_t queues_of(bool foreign, std::uint32_t workers, const PoolRows& rows) {
  return foreign ? workers : rows.ids;
}

std::string_view refusal_of_change(const SocketKind& before, const SocketKind& next) {
  if (before.queues == next.queues) return "";
  if (!next.same_listener)
    return "it moves from one listener to another, and its policy changes: that takes two reloads";
  // Workers that we can give nothing would not see what waits in the sockets before.
  if (before.foreign || next.foreign)
    return "programs that accept by themselves get another policy by a new start";
  if (before.queues != 0 && next.queues != 0)
    return "from one pool with policy rr_kernel to another takes two reloads, the first with "
           "another policy";
  return "";
}

}  // namespace roundhouse::config
