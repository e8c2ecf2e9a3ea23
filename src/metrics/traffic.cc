#include "metrics/traffic.h"

#include <algorithm>
#include <numeric>

#include "metrics/relaxed.h"

namespace roundhouse::metrics {
namespace {

void add(const ipc::DurationHistogram& from, DurationValues& to) {
  for (std::size_t i = 0; i < ipc::kRequestBuckets; ++i) to.buckets[i] += relaxed(from.buckets[i]);
  to.sum_seconds += static_cast<double>(relaxed(from.sum_ns)) / 1e9;
}

void add(const ipc::CodeCounts& from, std::map<std::uint32_t, std::uint64_t>& to) {
  for (std::size_t i = 0; i < ipc::CodeCounts::kPlaces; ++i) {
    const std::uint32_t code = from.codes[i].load(std::memory_order_acquire);
    if (code < 100 || code > 599) break;  // free; or nobody's status, whatever it says
    to[code] += relaxed(from.counts[i]);
  }
  if (const std::uint64_t others = relaxed(from.others); others != 0) to[0] += others;
}

void add(const ipc::EndpointTraffic& from, bool alive, EndpointValues& to) {
  to.requests += relaxed(from.requests_total);
  to.failures += relaxed(from.failures_total);
  to.retries += relaxed(from.retries_total);
  to.connects += relaxed(from.connects_total);
  to.ejections += relaxed(from.ejections_total);
  for (std::size_t i = 0; i < ipc::kUpstreamTlsOutcomes; ++i)
    to.tls_handshakes[i] += relaxed(from.tls_handshakes[i]);
  to.sent_bytes += relaxed(from.sent_bytes_total);
  to.received_bytes += relaxed(from.received_bytes_total);
  add(from.durations, to.durations);
  if (!alive) return;
  to.requests_in_flight += relaxed(from.requests_in_flight);
  to.connections_active += relaxed(from.connections_active);
  to.ejected_by += relaxed(from.ejected) != 0 ? 1 : 0;
}

}  // namespace

std::uint64_t DurationValues::count() const {
  return std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0});
}

std::optional<double> DurationValues::quantile(double share) const {
  return metrics::quantile(buckets, ipc::kRequestBounds, share);
}

std::optional<double> quantile(std::span<const std::uint64_t> buckets,
                               std::span<const std::int64_t> bounds, double share) {
  const std::uint64_t all = std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0});
  if (all == 0) return std::nullopt;
  const double wanted = share * static_cast<double>(all);
  double below = 0;
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    const auto here = static_cast<double>(buckets[i]);
    const double lower = i == 0 ? 0 : static_cast<double>(bounds[i - 1]) / 1e9;
    const double upper = static_cast<double>(bounds[i]) / 1e9;
    if (here > 0 && below + here >= wanted)
      return lower + (upper - lower) * (wanted - below) / here;
    below += here;
  }
  return static_cast<double>(bounds.back()) / 1e9;
}

void EndpointValues::add(const EndpointValues& other) {
  leaving = leaving && other.leaving;
  serves = serves || other.serves;
  healthy = healthy.has_value() && other.healthy.has_value() ? *healthy || *other.healthy : healthy;
  if (other.probes_well) probes_well = probes_well.value_or(0) + *other.probes_well;
  if (other.probes_failed) probes_failed = probes_failed.value_or(0) + *other.probes_failed;
  requests_in_flight += other.requests_in_flight;
  connections_active += other.connections_active;
  ejected_by += other.ejected_by;
  requests += other.requests;
  failures += other.failures;
  retries += other.retries;
  connects += other.connects;
  ejections += other.ejections;
  for (std::size_t i = 0; i < tls_handshakes.size(); ++i)
    tls_handshakes[i] += other.tls_handshakes[i];
  sent_bytes += other.sent_bytes;
  received_bytes += other.received_bytes;
  for (std::size_t i = 0; i < durations.buckets.size(); ++i)
    durations.buckets[i] += other.durations.buckets[i];
  durations.sum_seconds += other.durations.sum_seconds;
}

void add_traffic(const ipc::Slot& slot, bool alive, std::span<RouteValues> routes,
                 std::span<EndpointValues> endpoints) {
  for (RouteValues& route : routes) {
    if (route.row >= ipc::kMaxRoutes) continue;
    add(slot.routes[route.row].answers, route.answers);
    add(slot.routes[route.row].durations, route.durations);
  }
  for (EndpointValues& endpoint : endpoints) {
    if (endpoint.row < ipc::kMaxEndpoints) add(slot.endpoints[endpoint.row], alive, endpoint);
  }
}

void add_failures(const ipc::Slot& slot, std::span<FailureValues> failures) {
  for (std::size_t i = 0; i < std::min(failures.size(), ipc::kMaxFailures); ++i)
    failures[i].count += relaxed(slot.proxy_failures[i]);
}

}  // namespace roundhouse::metrics
