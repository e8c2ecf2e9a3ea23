#include "edge/peer_watch.h"

#include <algorithm>

namespace roundhouse::edge {

PeerWatch::Host PeerWatch::host_of(const ipc::ConnectionInfo& connection) {
  Host host{};
  host[0] = static_cast<std::uint8_t>(connection.peer_family);
  std::ranges::copy(connection.peer_host, host.begin() + 1);
  return host;
}

std::optional<PeerWatch::Finding> PeerWatch::see(const ipc::ConnectionInfo& connection) {
  if (found_) return std::nullopt;
  const Host host = host_of(connection);
  if (++seen_ <= kElecting) {
    if (votes_ == 0) candidate_ = host;
    votes_ = host == candidate_ ? votes_ + 1 : votes_ - 1;
    return std::nullopt;
  }
  if (host == candidate_) ++from_candidate_;
  if (seen_ < kElecting + kCounted) return std::nullopt;
  const std::uint32_t count = from_candidate_;
  seen_ = votes_ = from_candidate_ = 0;
  if (count < kTooMany) return std::nullopt;
  found_ = true;
  ipc::ConnectionInfo info{};
  info.peer_family = candidate_[0];
  std::copy(candidate_.begin() + 1, candidate_.end(), info.peer_host);
  return Finding{.peer = ipc::peer_of(info), .connections = count};
}

}  // namespace roundhouse::edge
