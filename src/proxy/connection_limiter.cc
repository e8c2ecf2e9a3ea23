#include "proxy/connection_limiter.h"

#include <algorithm>

namespace roundhouse::proxy {

void ConnectionLimiter::Ticket::release() {
  if (limiter_ == nullptr) return;
  const Parts& parts = std::exchange(limiter_, nullptr)->parts_;
  parts.limits->addresses(parts.place).remove(key_);
}

std::optional<ConnectionLimiter::Ticket> ConnectionLimiter::admit(const ipc::ConnectionInfo& info) {
  const std::uint32_t most = parts_.configuration.listeners[info.listener].connections_per_address;
  if (parts_.limits == nullptr || most == 0) return Ticket();
  const Address peer = ipc::peer_of(info);
  const bool trusted =
      std::ranges::any_of(parts_.configuration.trusted_proxies,
                          [&](const Network& network) { return network.contains(peer); });
  if (trusted) return Ticket();
  const std::uint64_t key = parts_.limits->key(info.listener, peer);
  if (parts_.limits->connections_of(key) >= most) {
    ipc::add(parts_.slot.refused_connections[info.listener]);
    return std::nullopt;
  }
  if (!parts_.limits->addresses(parts_.place).add(key)) return Ticket();
  return Ticket(*this, key);
}

}  // namespace roundhouse::proxy
