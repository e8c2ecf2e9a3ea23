// What built-in workers have done, by route, by endpoint and by failure, summed over the workers.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "ipc/slot.h"

namespace roundhouse::metrics {

// In seconds, interpolated within its bucket; none without any. Above the last bound: that bound.
// `buckets`: not cumulative, one more than there are `bounds`, which are nanoseconds.
std::optional<double> quantile(std::span<const std::uint64_t> buckets,
                               std::span<const std::int64_t> bounds, double share);

struct DurationValues {
  std::array<std::uint64_t, ipc::kRequestBuckets> buckets{};  // not cumulative
  double sum_seconds = 0;

  std::uint64_t count() const;
  std::optional<double> quantile(double share) const;  // in seconds
};

struct RouteValues {
  std::string name;
  std::uint32_t row = 0;                           // of the slots
  std::map<std::uint32_t, std::uint64_t> answers;  // by status; 0: one of those without a place
  DurationValues durations;
};

struct EndpointValues {
  std::string upstream;
  std::string name;
  std::uint32_t row = 0;        // of the slots
  bool leaving = false;         // gets no more requests; those in flight finish
  bool serves = true;           // false: a worker of a pool that is not ready
  std::optional<bool> healthy;  // by the active probes; none: there are none, as is:
  std::optional<std::uint64_t> probes_well;
  std::optional<std::uint64_t> probes_failed;
  std::uint32_t requests_in_flight = 0;
  std::uint32_t connections_active = 0;
  std::uint32_t ejected_by = 0;  // workers that leave it alone now
  std::uint64_t requests = 0;
  std::uint64_t failures = 0;
  std::uint64_t retries = 0;
  std::uint64_t connects = 0;
  std::uint64_t ejections = 0;
  bool tls = false;  // it is spoken to under TLS
  std::array<std::uint64_t, ipc::kUpstreamTlsOutcomes> tls_handshakes{};
  std::uint64_t sent_bytes = 0;
  std::uint64_t received_bytes = 0;
  DurationValues durations;

  // Another process of the same worker.
  void add(const EndpointValues& other);
};

struct FailureValues {
  std::string name;
  std::uint64_t count = 0;
};

// Adds what one worker tells: of routes and endpoints by row. `alive`: its gauges
// still mean something.
void add_traffic(const ipc::Slot& slot, bool alive, std::span<RouteValues> routes,
                 std::span<EndpointValues> endpoints);
void add_failures(const ipc::Slot& slot, std::span<FailureValues> failures);

}  // namespace roundhouse::metrics
