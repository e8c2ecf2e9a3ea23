#include "ipc/slot.h"

#include <algorithm>
#include <cstring>

namespace roundhouse::ipc {

void reset_gauges(Slot& slot, std::int64_t now_ns) {
  slot.taken.store(0, std::memory_order_relaxed);  // a new channel counts anew
  slot.drain_by_ns.store(0, std::memory_order_relaxed);
  slot.heartbeat_ns.store(now_ns, std::memory_order_relaxed);
  slot.connections_active.store(0, std::memory_order_relaxed);
  slot.requests_in_flight.store(0, std::memory_order_relaxed);
  for (Gauge& active : slot.listener_active) active.store(0, std::memory_order_relaxed);
  for (EndpointTraffic& endpoint : slot.endpoints) {
    if (endpoint.connects_total.load(std::memory_order_relaxed) == 0) continue;
    endpoint.requests_in_flight.store(0, std::memory_order_relaxed);
    endpoint.connections_active.store(0, std::memory_order_relaxed);
    endpoint.ejected.store(0, std::memory_order_relaxed);
  }
  for (InFlightText& text : slot.in_flight) release_in_flight(&text);
  slot.crash.signal.store(0, std::memory_order_relaxed);
}

void record_handoff(Slot& slot, std::int64_t duration_ns) {
  const auto* bound = std::ranges::lower_bound(kHandoffBounds, duration_ns);
  add(slot.handoff_buckets[bound - kHandoffBounds]);
  add(slot.handoff_sum_ns, static_cast<std::uint64_t>(std::max<std::int64_t>(duration_ns, 0)));
}

InFlightText* claim_in_flight(Slot& slot, std::string_view text) {
  for (InFlightText& candidate : slot.in_flight) {
    if (candidate.used.load(std::memory_order_relaxed) != 0) continue;
    const std::size_t size = std::min(text.size(), kInFlightText - 1);
    std::memcpy(candidate.text, text.data(), size);
    candidate.text[size] = '\0';
    candidate.used.store(1, std::memory_order_relaxed);
    return &candidate;
  }
  return nullptr;
}

}  // namespace roundhouse::ipc
