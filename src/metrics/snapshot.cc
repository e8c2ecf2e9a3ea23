#include "metrics/snapshot.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <set>

#include "base/check.h"
#include "metrics/relaxed.h"

namespace roundhouse::metrics {
namespace {

constexpr double kNanosecond = 1e-9;

std::int64_t since(std::int64_t then_ns, Time now) {
  return std::max<std::int64_t>(nanoseconds(now) - then_ns, 0);
}

SlotValues read_slot(const ipc::Slot& slot, bool alive) {
  SlotValues values{
      .connections_total = relaxed(slot.connections_total),
      .requests_total = relaxed(slot.requests_total),
      .busy_seconds = static_cast<double>(relaxed(slot.busy_ns)) * kNanosecond,
      .access_log_lines = relaxed(slot.access_log_lines),
      .access_log_dropped = relaxed(slot.access_log_dropped),
      .handoff_buckets = relaxed(slot.handoff_buckets),
      .handoff_sum_seconds = static_cast<double>(relaxed(slot.handoff_sum_ns)) * kNanosecond,
      .listener_accepted = relaxed(slot.listener_accepted),
      .request_failures = relaxed(slot.request_failures),
      .refused_connections = relaxed(slot.refused_connections),
  };
  for (std::size_t i = 0; i < ipc::kMaxListeners; ++i) {
    values.tls_handshakes[i] = relaxed(slot.tls_handshakes[i]);
    values.proxy_headers[i] = relaxed(slot.proxy_headers[i]);
    values.http2[i] = relaxed(slot.http2[i]);
  }
  // What a dead worker left behind holds no connection.
  if (!alive) return values;
  values.connections_active = relaxed(slot.connections_active);
  values.requests_in_flight = relaxed(slot.requests_in_flight);
  values.listener_active = relaxed(slot.listener_active);
  return values;
}

std::optional<double> next_start_in(const ipc::WorkerRow& row, ipc::WorkerState state, Time now) {
  const bool waits = state == ipc::WorkerState::kBackoff || state == ipc::WorkerState::kQuarantined;
  const std::int64_t at = relaxed(row.next_start_ns);
  if (!waits || at == 0) return std::nullopt;
  return static_cast<double>(std::max<std::int64_t>(at - nanoseconds(now), 0)) * kNanosecond;
}

WorkerValues read_worker(const ipc::WorkerRow& row, const ipc::Slot* slot, Time now) {
  WorkerValues values{
      .state = relaxed(row.state),
      .pid = relaxed(row.pid),
      .generation = relaxed(row.generation),
      .started_at = relaxed(row.started_at),
      .restarts = relaxed(row.restarts),
      .crashes = relaxed(row.crashes),
      .given = relaxed(row.given),
      .taken = relaxed(row.taken),
      .taken_back = relaxed(row.taken_back),
      .returned = relaxed(row.returned),
      .given_back = relaxed(row.given_back),
      .messages = relaxed(row.messages),
      .output_lines = relaxed(row.output_lines),
      .output_dropped = relaxed(row.output_dropped),
      .untaken = relaxed(row.untaken),
      .stalled = relaxed(row.stalled) != 0,
      .certificates = relaxed(row.certificates),
      .certificates_refused = relaxed(row.certificates_refused) != 0,
      .shut = relaxed(row.shut) != 0,
      .on_trial = relaxed(row.on_trial) != 0,
      .dead_cpu_seconds = static_cast<double>(relaxed(row.dead_cpu_ns)) * kNanosecond,
  };
  const bool alive = values.pid != 0;
  if (alive) {
    values.uptime_seconds = static_cast<double>(since(relaxed(row.started_ns), now)) * kNanosecond;
  }
  values.next_start_in_seconds = next_start_in(row, values.state, now);
  ipc::ExitRecord records[ipc::kKeptExits];
  const std::size_t count = ipc::read_exits(row, records);
  values.exits.assign(records, records + count);
  values.listens = bounded_text(row.listens);
  if (slot != nullptr) values.slot = read_slot(*slot, alive);
  return values;
}

template <typename T, std::size_t N>
void add(std::array<T, N>& sum, const std::array<T, N>& more) {
  for (std::size_t i = 0; i < N; ++i) sum[i] += more[i];
}

void add(SlotValues& sum, const SlotValues& more) {
  sum.connections_active += more.connections_active;
  sum.requests_in_flight += more.requests_in_flight;
  sum.connections_total += more.connections_total;
  sum.requests_total += more.requests_total;
  sum.busy_seconds += more.busy_seconds;
  sum.access_log_lines += more.access_log_lines;
  sum.access_log_dropped += more.access_log_dropped;
  add(sum.handoff_buckets, more.handoff_buckets);
  sum.handoff_sum_seconds += more.handoff_sum_seconds;
  add(sum.listener_accepted, more.listener_accepted);
  add(sum.listener_active, more.listener_active);
  add(sum.request_failures, more.request_failures);
  add(sum.refused_connections, more.refused_connections);
  for (std::size_t i = 0; i < ipc::kMaxListeners; ++i) {
    add(sum.tls_handshakes[i], more.tls_handshakes[i]);
    add(sum.proxy_headers[i], more.proxy_headers[i]);
    add(sum.http2[i], more.http2[i]);
  }
}

void add_counts(WorkerValues& sum, const WorkerValues& more) {
  add(sum.restarts, more.restarts);
  add(sum.crashes, more.crashes);
  sum.given += more.given;
  sum.taken += more.taken;
  sum.taken_back += more.taken_back;
  sum.returned += more.returned;
  sum.given_back += more.given_back;
  sum.messages += more.messages;
  sum.output_lines += more.output_lines;
  sum.output_dropped += more.output_dropped;
  sum.untaken += more.untaken;
  sum.dead_cpu_seconds += more.dead_cpu_seconds;
  if (more.slot && sum.slot) add(*sum.slot, *more.slot);
  if (more.slot && !sum.slot) sum.slot = more.slot;
  sum.exits.insert(sum.exits.end(), more.exits.begin(), more.exits.end());
}

// A trial that was taken back says nothing of the worker that stays.
bool is_newer(const WorkerValues& one, const WorkerValues& other) {
  if ((one.pid != 0) != (other.pid != 0)) return one.pid != 0;
  if (one.on_trial != other.on_trial) return other.on_trial;
  const bool is_gone = one.state == ipc::WorkerState::kGone;
  if (is_gone != (other.state == ipc::WorkerState::kGone)) return !is_gone;
  return one.generation > other.generation;
}

OlderProcess older_of(const WorkerValues& values) {
  OlderProcess older{.pid = values.pid,
                     .generation = values.generation,
                     .state = values.state,
                     .uptime_seconds = values.uptime_seconds,
                     .on_trial = values.on_trial};
  if (values.slot) {
    older.connections_active = values.slot->connections_active;
    older.requests_in_flight = values.slot->requests_in_flight;
  }
  return older;
}

// One of the pool, from the rows of all its processes.
WorkerValues read_id(const Layout::Pool& pool, std::uint32_t id, const ipc::Board& board,
                     std::span<const ipc::Slot* const> slots, Time now) {
  std::vector<WorkerValues> processes;
  std::vector<std::size_t> rows;
  for (std::uint32_t seat = 0; seat < pool.seats; ++seat) {
    const std::size_t row = pool.first_row + std::size_t{seat} * pool.ids + id - 1;
    if (row >= board.workers() || !board.is_used(row)) continue;
    processes.push_back(read_worker(board.worker(row), pool.tells ? slots[row] : nullptr, now));
    rows.push_back(row);
  }
  std::ranges::stable_sort(processes, is_newer);
  WorkerValues values{.state = ipc::WorkerState::kGone};
  if (!processes.empty()) values = std::move(processes.front());
  for (std::size_t i = 1; i < processes.size(); ++i) {
    add_counts(values, processes[i]);
    if (processes[i].pid != 0) values.older.push_back(older_of(processes[i]));
  }
  std::ranges::stable_sort(values.exits, std::greater(), &ipc::ExitRecord::at);
  if (values.exits.size() > ipc::kKeptExits) values.exits.resize(ipc::kKeptExits);
  values.id = id;
  values.index = pool.first_row + id - 1;
  values.rows = std::move(rows);
  return values;
}

// What a worker that was taken away has counted stays part of every sum.
PoolValues read_pool(const Layout::Pool& pool, const ipc::Board& board,
                     std::span<const ipc::Slot* const> slots, Time now) {
  PoolValues values{.layout = pool, .wanted = pool.workers};
  if (pool.first_row < board.workers() && board.is_used(pool.first_row)) {
    const std::uint32_t wanted = relaxed(board.worker(pool.first_row).wanted);
    if (wanted != 0) values.wanted = wanted;
  }
  for (std::uint32_t id = 1; id <= std::max(pool.ids, pool.workers); ++id) {
    WorkerValues worker = read_id(pool, id, board, slots, now);
    worker.left = id > values.wanted && worker.pid == 0 && worker.state == ipc::WorkerState::kGone;
    if (worker.left && worker.rows.empty()) continue;
    values.workers.push_back(std::move(worker));
  }
  return values;
}

void read_pauses(const ipc::ListenerRow& row, Time now, ListenerValues& values) {
  const std::uint32_t paused = relaxed(row.paused);
  const std::int64_t since_ns = relaxed(row.paused_since_ns);
  for (std::size_t i = 0; i < ipc::kPauseReasons; ++i) {
    std::uint64_t ns = relaxed(row.paused_ns[i]);
    if (paused == i + 1) {
      values.paused = static_cast<ipc::PauseReason>(i);
      ns += static_cast<std::uint64_t>(since(since_ns, now));
    }
    values.paused_seconds[i] = static_cast<double>(ns) * kNanosecond;
  }
}

void add_slots(std::span<const PoolValues> pools, std::size_t listener, std::uint64_t by_edge,
               ListenerValues& values) {
  const auto served_by = std::ranges::find(pools, values.layout.pool,
                                           [](const PoolValues& pool) { return pool.layout.name; });
  const bool told = served_by == pools.end() || served_by->tells_connections();
  if (told || served_by->counts_connections()) values.accepted = by_edge;
  if (!told) return;
  values.active = values.request_failures = 0;
  if (listener >= ipc::kMaxListeners) return;
  for (const PoolValues& pool : pools)
    for (const WorkerValues& worker : pool.workers) {
      if (!worker.slot) continue;
      *values.accepted += worker.slot->listener_accepted[listener];
      *values.active += worker.slot->listener_active[listener];
      *values.request_failures += worker.slot->request_failures[listener];
      add(values.tls_handshakes, worker.slot->tls_handshakes[listener]);
      add(values.proxy_headers, worker.slot->proxy_headers[listener]);
      add(values.http2, worker.slot->http2[listener]);
      values.refused_per_address += worker.slot->refused_connections[listener];
    }
}

void read_endpoints(const Layout& layout, const ipc::EndpointBoard& board, Snapshot& snapshot) {
  for (std::size_t i = 0; i < layout.upstreams.size(); ++i) {
    if (layout.upstreams[i].name.empty()) continue;  // there is none any more
    UpstreamValues& values = snapshot.upstreams.emplace_back(UpstreamValues{layout.upstreams[i]});
    for (std::size_t k = 0; k < ipc::kResolutions; ++k)
      values.resolutions[k] = relaxed(board.resolutions(i, static_cast<ipc::Resolution>(k)));
  }
  const auto table = std::make_unique<ipc::EndpointTable>();
  if (board.read(*table) == 0) return;
  for (std::uint32_t upstream = 0; upstream < layout.upstreams.size(); ++upstream) {
    for (std::uint32_t i = 0; i < ipc::kMaxEndpoints; ++i) {
      const ipc::EndpointRow& row = table->rows[i];
      if (row.used == 0 || row.upstream != upstream) continue;
      EndpointValues& values = snapshot.endpoints.emplace_back(
          EndpointValues{.upstream = layout.upstreams[upstream].name,
                         .name = std::string(row.name()),
                         .row = i,
                         .leaving = row.in_use == 0,
                         .tls = layout.upstreams[upstream].tls});
      if (!layout.upstreams[upstream].probed && !layout.upstreams[upstream].asked) continue;
      if (layout.upstreams[upstream].probed && row.in_use != 0) values.healthy = row.healthy != 0;
      values.probes_well = relaxed(board.probes(i).well);
      values.probes_failed = relaxed(board.probes(i).failed);
    }
  }
}

// Endpoints that are workers: "POOL/ID".
void look_at_workers(const Layout& layout, Snapshot& snapshot) {
  for (const Layout::Upstream& upstream : layout.upstreams) {
    const auto pool = std::ranges::find(snapshot.pools, upstream.pool,
                                        [](const PoolValues& one) { return one.layout.name; });
    if (pool == snapshot.pools.end()) continue;
    for (const WorkerValues& worker : pool->workers) {
      const std::string name = upstream.pool + "/" + std::to_string(worker.id);
      for (EndpointValues& endpoint : snapshot.endpoints) {
        if (endpoint.upstream == upstream.name && endpoint.name == name)
          endpoint.serves = worker.state == ipc::WorkerState::kReady && !worker.shut;
      }
    }
    // Rows are kept for more workers than there are.
    std::erase_if(snapshot.endpoints, [&](const EndpointValues& endpoint) {
      return endpoint.upstream == upstream.name &&
             std::ranges::none_of(pool->workers, [&](const WorkerValues& worker) {
               return !worker.left &&
                      endpoint.name == upstream.pool + "/" + std::to_string(worker.id);
             });
    });
  }
}

// An endpoint that is a worker has a row for each process of it.
void merge_namesakes(std::vector<EndpointValues>& endpoints) {
  std::vector<EndpointValues> merged;
  for (EndpointValues& endpoint : endpoints) {
    const auto same = std::ranges::find_if(merged, [&](const EndpointValues& one) {
      return one.upstream == endpoint.upstream && one.name == endpoint.name;
    });
    if (same == merged.end())
      merged.push_back(std::move(endpoint));
    else
      same->add(endpoint);
  }
  endpoints = std::move(merged);
}

void read_traffic(const Layout& layout, const ipc::Board& board,
                  std::span<const ipc::Slot* const> slots, Snapshot& snapshot) {
  for (const Layout::Route& name : layout.routes)
    snapshot.routes.push_back(RouteValues{.name = name.name, .row = name.row});
  for (const PoolValues& pool : snapshot.pools) {
    if (pool.layout.type == "native") continue;
    if (snapshot.failures.empty()) {
      for (const std::string& name : layout.failures)
        snapshot.failures.push_back(FailureValues{.name = name});
    }
    for (const WorkerValues& worker : pool.workers) {
      for (const std::size_t row : worker.rows) {
        const ipc::Slot* const slot = slots[row];
        if (slot == nullptr) continue;
        const bool alive = relaxed(board.worker(row).pid) != 0;
        add_failures(*slot, snapshot.failures);
        if (pool.layout.type == "proxy")
          add_traffic(*slot, alive, snapshot.routes, snapshot.endpoints);
      }
    }
  }
  merge_namesakes(snapshot.endpoints);
  // What has left is shown until it has finished.
  std::erase_if(snapshot.endpoints, [](const EndpointValues& endpoint) {
    return endpoint.leaving && endpoint.connections_active == 0 && endpoint.requests_in_flight == 0;
  });
}

}  // namespace

std::size_t PoolValues::count(ipc::WorkerState state) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      workers, [&](const WorkerValues& one) { return !one.left && one.state == state; }));
}

std::size_t PoolValues::old_generations() const {
  std::uint32_t newest = 0;
  std::set<std::uint32_t> all;
  for (const WorkerValues& worker : workers) {
    newest = std::max(newest, worker.generation);
    if (worker.pid != 0) all.insert(worker.generation);
    for (const OlderProcess& older : worker.older)
      if (!older.on_trial) all.insert(older.generation);
  }
  all.erase(newest);
  return all.size();
}

Snapshot read_snapshot(const Layout& layout, const ipc::Board& board,
                       const ipc::EndpointBoard* endpoints, std::span<const ipc::Slot* const> slots,
                       Time now) {
  CHECK(slots.size() == board.workers());
  const ipc::BoardHeader& header = board.header();
  Snapshot snapshot{
      .edge_pid = header.edge_pid,
      .started_at = header.started_at,
      .uptime_seconds = static_cast<double>(since(header.started_ns, now)) * kNanosecond,
      .stopping = relaxed(header.stopping) != 0,
      .monitor_restarts = relaxed(header.monitor_restarts),
      .configuration_source = bounded_text(header.configuration_source),
      .configuration = relaxed(header.configuration),
      .reloads = relaxed(header.operations.reloads),
      .last_reload_at = relaxed(header.operations.last_reload_at),
      .certificates_renewed = relaxed(header.certificates_renewed),
      .certificates_refused = relaxed(header.certificates_refused),
      .certificate_refusal = bounded_text(header.certificate_refusal),
  };
  if (const std::int64_t beat = relaxed(header.edge_heartbeat_ns); beat != 0)
    snapshot.edge_heartbeat_age = Duration(since(beat, now));
  for (const Layout::Pool& pool : layout.pools)
    snapshot.pools.push_back(read_pool(pool, board, slots, now));
  for (std::size_t i = 0; i < layout.listeners.size(); ++i) {
    if (layout.listeners[i].name.empty()) continue;  // there is none any more
    const ipc::ListenerRow& row = board.listener(i);
    ListenerValues& values =
        snapshot.listeners.emplace_back(ListenerValues{.layout = layout.listeners[i],
                                                       .addresses = bounded_text(row.addresses),
                                                       .abandoned = relaxed(row.abandoned)});
    read_pauses(row, now, values);
    add_slots(snapshot.pools, i, relaxed(row.accepted), values);
  }
  if (endpoints != nullptr) read_endpoints(layout, *endpoints, snapshot);
  look_at_workers(layout, snapshot);
  read_traffic(layout, board, slots, snapshot);
  return snapshot;
}

}  // namespace roundhouse::metrics
