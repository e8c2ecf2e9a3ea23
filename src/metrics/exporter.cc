#include "metrics/exporter.h"

#include <prometheus/client_metric.h>
#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <initializer_list>
#include <limits>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/signal_name.h"
#include "metrics/catalogue.h"

namespace roundhouse::metrics {
namespace {

using ipc::WorkerState;
using LabelValues = std::initializer_list<std::string_view>;

// Their series exist from the start, so that the first crash is an increase.
constexpr std::array<std::size_t, 8> kKnownSignals{0,      SIGILL,  SIGABRT, SIGBUS,
                                                   SIGFPE, SIGKILL, SIGSEGV, SIGTERM};

prometheus::MetricType type_of(Kind kind) {
  switch (kind) {
    case Kind::kCounter:
      return prometheus::MetricType::Counter;
    case Kind::kGauge:
      return prometheus::MetricType::Gauge;
    case Kind::kHistogram:
      return prometheus::MetricType::Histogram;
  }
  return prometheus::MetricType::Untyped;
}

// The families in the order of the table, filled with series whose labels are the table's.
class Families {
 public:
  Families() {
    for (const MetricRow& row : catalogue()) {
      families_.push_back({std::string(row.name), std::string(row.help), type_of(row.kind), {}});
      std::vector<std::string>& names = label_names_.emplace_back();
      if (row.labels.empty()) continue;
      for (auto&& part : std::views::split(row.labels, ','))
        names.emplace_back(part.begin(), part.end());
    }
  }

  void add(Metric metric, LabelValues labels, double value) {
    prometheus::ClientMetric& series = add_series(metric, labels);
    const bool counter = row_of(metric).kind == Kind::kCounter;
    (counter ? series.counter.value : series.gauge.value) = value;
  }
  template <std::integral T>
  void add(Metric metric, LabelValues labels, T value) {
    add(metric, labels, static_cast<double>(value));
  }
  template <typename T>
  void add(Metric metric, LabelValues labels, const std::optional<T>& value) {
    if (value) add(metric, labels, *value);
  }

  prometheus::ClientMetric& add_series(Metric metric, LabelValues labels) {
    const auto index = static_cast<std::size_t>(metric);
    const std::vector<std::string>& names = label_names_[index];
    CHECK(names.size() == labels.size());
    prometheus::ClientMetric& series = families_[index].metric.emplace_back();
    series.label.reserve(names.size());
    auto name = names.begin();
    for (std::string_view value : labels) series.label.push_back({*name++, std::string(value)});
    return series;
  }

  // `buckets` are not cumulative, one more than `bounds`, which are in nanoseconds.
  void add_histogram(Metric metric, LabelValues labels, std::span<const std::uint64_t> buckets,
                     std::span<const std::int64_t> bounds, double sum_seconds) {
    auto& histogram = add_series(metric, labels).histogram;
    std::uint64_t cumulative = 0;
    for (std::size_t i = 0; i < buckets.size(); ++i) {
      cumulative += buckets[i];
      histogram.bucket.push_back({cumulative, i < bounds.size()
                                                  ? static_cast<double>(bounds[i]) / 1e9
                                                  : std::numeric_limits<double>::infinity()});
    }
    histogram.sample_count = cumulative;
    histogram.sample_sum = sum_seconds;
  }

  // Without the families that have no series.
  std::vector<prometheus::MetricFamily> take() {
    std::erase_if(families_, [](const auto& family) { return family.metric.empty(); });
    return std::move(families_);
  }

 private:
  std::vector<prometheus::MetricFamily> families_;
  std::vector<std::vector<std::string>> label_names_;
};

// The series of one worker: `pool` and `worker` stand before every other label, and what its type
// cannot tell is left out.
class WorkerSeries {
 public:
  WorkerSeries(Families& families, const PoolValues& pool, const WorkerValues& worker)
      : families_(families), pool_(pool), worker_(worker), id_(std::to_string(worker.id)) {}

  void add_all() {
    add_life();
    add_process();
    add(Metric::worker_messages_total, worker_.messages);
    if (worker_.slot) add_load(*worker_.slot);
    if (pool_.hands_over()) add_handoffs();
  }

 private:
  void add_life() {
    for (std::size_t i = 0; i < ipc::kWorkerStates && !worker_.left; ++i) {
      const auto state = static_cast<WorkerState>(i);
      add(Metric::worker_state, to_string(state), worker_.state == state ? 1 : 0);
    }
    for (std::size_t i = 0; i < ipc::kExitReasons; ++i) {
      add(Metric::worker_restarts_total, to_string(static_cast<ipc::ExitReason>(i)),
          worker_.restarts[i]);
    }
    for (std::size_t i = 0; i < ipc::kSignals; ++i) {
      if (worker_.crashes[i] == 0 && std::ranges::find(kKnownSignals, i) == kKnownSignals.end())
        continue;
      add(Metric::worker_crashes_total, signal_name(static_cast<int>(i)), worker_.crashes[i]);
    }
    if (worker_.certificates != 0)
      add(Metric::worker_certificates_refused, worker_.certificates_refused ? 1 : 0);
    add(Metric::worker_output_lines_total, worker_.output_lines);
    add(Metric::worker_output_dropped_total, worker_.output_dropped);
    if (!worker_.exits.empty())
      add(Metric::worker_last_exit_timestamp_seconds, worker_.exits[0].at);
  }

  void add_process() {
    add(Metric::worker_connections_limit, pool_.layout.worker_connections);
    add(Metric::worker_cpu_seconds_total, worker_.usage.cpu_seconds);
    if (worker_.pid == 0) return;
    if (told(Metric::worker_info)) {
      families_.add(
          Metric::worker_info,
          {pool_.layout.name, id_, std::to_string(worker_.pid), std::to_string(worker_.generation)},
          1);
    }
    add(Metric::worker_start_time_seconds, worker_.started_at);
    add(Metric::worker_resident_memory_bytes, worker_.usage.resident_bytes);
    add(Metric::worker_open_fds, worker_.usage.open_fds);
    if (!pool_.tells_connections())
      add(Metric::worker_connections_active, worker_.connections_sampled);
  }

  void add_load(const SlotValues& slot) {
    if (pool_.tells_connections()) add(Metric::worker_connections_active, slot.connections_active);
    if (pool_.counts_connections()) add(Metric::worker_connections_total, slot.connections_total);
    add(Metric::worker_requests_total, slot.requests_total);
    add(Metric::worker_requests_in_flight, slot.requests_in_flight);
    add(Metric::worker_busy_seconds_total, slot.busy_seconds);
    add(Metric::access_log_lines_total, slot.access_log_lines);
    add(Metric::access_log_dropped_total, slot.access_log_dropped);
  }

  void add_handoffs() {
    add(Metric::handoffs_total, "taken", worker_.taken);
    add(Metric::handoffs_total, "taken_back", worker_.taken_back);
    add(Metric::handoffs_total, "returned", worker_.returned);
    add(Metric::handoffs_total, "given_back", worker_.given_back);
    if (!worker_.slot || !told(Metric::handoff_duration_seconds)) return;
    families_.add_histogram(Metric::handoff_duration_seconds, {pool_.layout.name, id_},
                            worker_.slot->handoff_buckets, ipc::kHandoffBounds,
                            worker_.slot->handoff_sum_seconds);
  }

  bool told(Metric metric) const { return told_by(row_of(metric), pool_.layout.type); }
  template <typename T>
  void add(Metric metric, const T& value) {
    if (told(metric)) families_.add(metric, {pool_.layout.name, id_}, value);
  }
  template <typename T>
  void add(Metric metric, std::string_view label, const T& value) {
    if (told(metric)) families_.add(metric, {pool_.layout.name, id_, label}, value);
  }

  Families& families_;
  const PoolValues& pool_;
  const WorkerValues& worker_;
  std::string id_;
};

bool speaks_tls(const Snapshot& snapshot) {
  const auto speaks = [](const auto& one) { return one.layout.tls; };
  return std::ranges::any_of(snapshot.listeners, speaks) ||
         std::ranges::any_of(snapshot.upstreams, speaks);
}

void add_instance(Families& families, const Snapshot& snapshot) {
  families.add(Metric::build_info, {ROUNDHOUSE_VERSION}, 1);
  families.add(Metric::start_time_seconds, {}, snapshot.started_at);
  families.add(Metric::edge_cpu_seconds_total, {}, snapshot.edge.cpu_seconds);
  families.add(Metric::edge_resident_memory_bytes, {}, snapshot.edge.resident_bytes);
  families.add(Metric::edge_open_fds, {}, snapshot.edge.open_fds);
  families.add(Metric::monitor_restarts_total, {}, snapshot.monitor_restarts);
  for (std::size_t i = 1; i < ipc::kOperationStates; ++i)
    families.add(Metric::config_reloads_total, {to_string(static_cast<ipc::OperationState>(i))},
                 snapshot.reloads[i]);
  families.add(Metric::config_last_reload_success_timestamp_seconds, {}, snapshot.last_reload_at);
  if (speaks_tls(snapshot)) {
    families.add(Metric::tls_certificate_renewals_total, {}, snapshot.certificates_renewed);
    families.add(Metric::tls_certificates_refused, {}, snapshot.certificates_refused);
  }
  families.add(Metric::container_memory_bytes, {}, snapshot.container_memory);
  families.add(Metric::container_memory_limit_bytes, {}, snapshot.container_memory_limit);
}

void add_pool(Families& families, const PoolValues& pool) {
  families.add(Metric::pool_info, {pool.layout.name, pool.layout.policy}, 1);
  for (std::size_t i = 0; i < ipc::kWorkerStates; ++i) {
    const auto state = static_cast<WorkerState>(i);
    families.add(Metric::pool_workers, {pool.layout.name, to_string(state)}, pool.count(state));
  }
  families.add(Metric::old_generations, {pool.layout.name}, pool.old_generations());
  families.add(Metric::fairness_ratio, {pool.layout.name}, pool.fairness);
  for (const WorkerValues& worker : pool.workers) {
    WorkerSeries(families, pool, worker).add_all();
  }
}

void add_http2(Families& families, std::string_view name, const Http2Counts& counts) {
  const auto count = [&](ipc::Http2Count of) { return counts[static_cast<std::size_t>(of)]; };
  using enum ipc::Http2Count;
  families.add(Metric::http2_connections_total, {name}, count(kConnections));
  families.add(Metric::http2_streams_total, {name}, count(kStreams));
  families.add(Metric::http2_stream_resets_total, {name, "client"}, count(kClientResets));
  families.add(Metric::http2_stream_resets_total, {name, "server"}, count(kServerResets));
  families.add(Metric::http2_connection_errors_total, {name}, count(kConnectionErrors));
  for (std::size_t i = 0; i < std::size(ipc::kHttp2Floods); ++i)
    families.add(Metric::http2_floods_total, {name, ipc::kHttp2Floods[i]},
                 counts[static_cast<std::size_t>(kFloods) + i]);
}

void add_listener(Families& families, const ListenerValues& listener) {
  const std::string_view name = listener.layout.name;
  families.add(Metric::listener_accepted_total, {name}, listener.accepted);
  families.add(Metric::listener_abandoned_total, {name}, listener.abandoned);
  families.add(Metric::listener_connections_active, {name}, listener.active);
  families.add(Metric::listener_connections_limit, {name}, listener.layout.max_connections);
  families.add(Metric::listener_request_failures_total, {name}, listener.request_failures);
  families.add(Metric::listener_refused_connections_total, {name, "per_address"},
               listener.refused_per_address);
  for (std::size_t i = 0; listener.layout.tls && i < ipc::kTlsOutcomeCount; ++i) {
    const ipc::TlsOutcomeLabels& outcome = ipc::kTlsOutcomes[i];
    families.add(Metric::tls_handshakes_total, {name, outcome.version, outcome.result},
                 listener.tls_handshakes[i]);
  }
  for (std::size_t i = 0; listener.layout.proxy_protocol && i < ipc::kProxyHeaderOutcomeCount; ++i)
    families.add(Metric::proxy_headers_total, {name, ipc::kProxyHeaderOutcomes[i]},
                 listener.proxy_headers[i]);
  if (listener.layout.http2) add_http2(families, name, listener.http2);
  for (const auto& certificate : listener.layout.certificates)
    families.add(Metric::tls_certificate_not_after_timestamp_seconds, {name, certificate.name},
                 certificate.not_after);
  for (std::size_t i = 0; i < ipc::kPauseReasons; ++i) {
    families.add(Metric::listener_paused_seconds_total,
                 {name, to_string(static_cast<ipc::PauseReason>(i))}, listener.paused_seconds[i]);
  }
}

void add_route(Families& families, const RouteValues& route) {
  for (const auto& [code, count] : route.answers) {
    const std::string text = code == 0 ? "other" : std::to_string(code);
    families.add(Metric::http_requests_total, {route.name, text}, count);
  }
  families.add_histogram(Metric::http_request_duration_seconds, {route.name},
                         route.durations.buckets, ipc::kRequestBounds, route.durations.sum_seconds);
}

void add_upstream(Families& families, const UpstreamValues& upstream) {
  if (!upstream.layout.named) return;
  for (std::size_t i = 0; i < ipc::kResolutions; ++i) {
    families.add(Metric::upstream_resolutions_total,
                 {upstream.layout.name, to_string(static_cast<ipc::Resolution>(i))},
                 upstream.resolutions[i]);
  }
}

void add_endpoint(Families& families, const EndpointValues& endpoint) {
  const LabelValues labels = {endpoint.upstream, endpoint.name};
  families.add(Metric::upstream_requests_total, labels, endpoint.requests);
  families.add(Metric::upstream_failures_total, labels, endpoint.failures);
  families.add(Metric::upstream_retries_total, labels, endpoint.retries);
  families.add(Metric::upstream_connects_total, labels, endpoint.connects);
  for (std::size_t i = 0; endpoint.tls && i < ipc::kUpstreamTlsOutcomes; ++i)
    families.add(Metric::upstream_tls_handshakes_total,
                 {endpoint.upstream, endpoint.name, ipc::kUpstreamTlsResults[i]},
                 endpoint.tls_handshakes[i]);
  families.add(Metric::upstream_ejections_total, labels, endpoint.ejections);
  families.add(Metric::upstream_sent_bytes_total, labels, endpoint.sent_bytes);
  families.add(Metric::upstream_received_bytes_total, labels, endpoint.received_bytes);
  families.add(Metric::upstream_ejected, labels, endpoint.ejected_by);
  if (endpoint.healthy) families.add(Metric::upstream_healthy, labels, *endpoint.healthy ? 1 : 0);
  families.add(Metric::upstream_probes_total, {endpoint.upstream, endpoint.name, "well"},
               endpoint.probes_well);
  families.add(Metric::upstream_probes_total, {endpoint.upstream, endpoint.name, "failed"},
               endpoint.probes_failed);
  families.add(Metric::upstream_requests_in_flight, labels, endpoint.requests_in_flight);
  families.add(Metric::upstream_connections_active, labels, endpoint.connections_active);
  families.add_histogram(Metric::upstream_request_duration_seconds, labels,
                         endpoint.durations.buckets, ipc::kRequestBounds,
                         endpoint.durations.sum_seconds);
}

class SnapshotCollectable final : public prometheus::Collectable {
 public:
  explicit SnapshotCollectable(const Snapshot& snapshot) : snapshot_(snapshot) {}

  std::vector<prometheus::MetricFamily> Collect() const override {  // NOLINT: prometheus-cpp's name
    Families families;
    add_instance(families, snapshot_);
    for (const PoolValues& pool : snapshot_.pools) add_pool(families, pool);
    for (const ListenerValues& listener : snapshot_.listeners) add_listener(families, listener);
    for (const RouteValues& route : snapshot_.routes) add_route(families, route);
    for (const UpstreamValues& upstream : snapshot_.upstreams) add_upstream(families, upstream);
    for (const EndpointValues& endpoint : snapshot_.endpoints) add_endpoint(families, endpoint);
    for (const FailureValues& failure : snapshot_.failures) {
      if (!failure.name.empty())
        families.add(Metric::http_failures_total, {failure.name}, failure.count);
    }
    return families.take();
  }

 private:
  const Snapshot& snapshot_;
};

}  // namespace

std::string exposition(const Snapshot& snapshot) {
  return prometheus::TextSerializer().Serialize(SnapshotCollectable(snapshot).Collect());
}

}  // namespace roundhouse::metrics
