// Requests of a cluster that share connections.
#include <algorithm>
#include <utility>

#include "upstream/cluster_state.h"

namespace roundhouse::upstream {

// One that begins with a header is one client's.
bool Cluster::State::may_speak_http2() const {
  const config::Upstream& config = parts_.config;
  if (config.proxy_protocol != config::ProxyHeader::kOff) return false;
  return config.protocol == config::UpstreamProtocol::kHttp2 ||
         (config.protocol == config::UpstreamProtocol::kAuto && config.tls.enabled);
}

// True: it has a connection that is there, or waits for one that is being made.
bool Cluster::State::share(Waiter& waiter, const Wish& wish, Endpoint& endpoint) {
  if (wish.carries != Carries::kRequest || !endpoint.may_speak_http2()) return false;
  if (Http2Connection* const connection = endpoint.http2()->find_room()) {
    waiter.on_call(connection->open());
    return true;
  }
  const auto is_for_it = [&](const auto& connector) {
    return &connector->endpoint() == &endpoint && connector->wish().carries == Carries::kRequest;
  };
  const auto made = std::ranges::count_if(connecting_, is_for_it);
  const auto waiting = std::ranges::count(joining_, &endpoint,
                                          [](const Joining& joining) { return &joining.endpoint; });
  if (waiting >= made * static_cast<std::ptrdiff_t>(parts_.config.streams - 1)) return false;
  joining_.push_back({waiter, wish, endpoint});
  return true;
}

std::optional<Cluster::State::Joining> Cluster::State::take_joining(const Endpoint& endpoint) {
  const auto found = std::ranges::find(joining_, &endpoint,
                                       [](const Joining& joining) { return &joining.endpoint; });
  if (found == joining_.end()) return std::nullopt;
  const Joining joining = *found;
  joining_.erase(found);
  return joining;
}

// A connection has been made: what it has no room for, or cannot carry, gets others.
void Cluster::State::serve_joining(Endpoint& endpoint) {
  while (const auto joining = take_joining(endpoint)) {
    if (share(joining->waiter, joining->wish, endpoint)) {
      if (endpoint.http2()->find_room() == nullptr) return;  // it waits again, as do the others
    } else {
      connect(joining->waiter, joining->wish, endpoint);
    }
  }
}

// Nobody makes a connection that they could wait for. Of a pool whose worker has died they wait for
// the next one.
void Cluster::State::fail_joining(Endpoint& endpoint, http::Failure failure, bool ours) {
  const auto is_for_it = [&](const auto& connector) { return &connector->endpoint() == &endpoint; };
  if (std::ranges::any_of(connecting_, is_for_it)) return;
  while (const auto joining = take_joining(endpoint)) {
    settle(endpoint, {.failed = endpoint.rests() ? false : !ours, .counted = false});
    if (endpoint.rests())
      acquire(joining->waiter, joining->wish);
    else
      joining->waiter.on_no_connection(failure, endpoint.id());
  }
}

}  // namespace roundhouse::upstream
