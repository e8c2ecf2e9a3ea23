#include "metrics/snapshot.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "base/check.h"

namespace roundhouse::metrics {
namespace {

constexpr double kNanosecond = 1e-9;

template <typename T>
T relaxed(const std::atomic<T>& value) {
  return value.load(std::memory_order_relaxed);
}

template <typename T, std::size_t N>
std::array<T, N> relaxed(const std::atomic<T> (&values)[N]) {
  std::array<T, N> copy;
  std::ranges::transform(values, copy.begin(), [](const auto& value) { return relaxed(value); });
  return copy;
}

// Text of shared memory: its end is not to be believed.
template <std::size_t N>
std::string bounded_text(const char (&text)[N]) {
  return {text, ::strnlen(text, N)};
}

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
      .messages = relaxed(row.messages),
      .output_lines = relaxed(row.output_lines),
      .output_dropped = relaxed(row.output_dropped),
      .untaken = relaxed(row.untaken),
      .stalled = relaxed(row.stalled) != 0,
      .shut = relaxed(row.shut) != 0,
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
  for (const PoolValues& pool : pools) {
    for (const WorkerValues& worker : pool.workers) {
      if (!worker.slot) continue;
      *values.accepted += worker.slot->listener_accepted[listener];
      *values.active += worker.slot->listener_active[listener];
      *values.request_failures += worker.slot->request_failures[listener];
      values.refused_per_address += worker.slot->refused_connections[listener];
    }
  }
}

void read_endpoints(const Layout& layout, const ipc::EndpointBoard& board, Snapshot& snapshot) {
  for (std::size_t i = 0; i < layout.upstreams.size(); ++i) {
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
                         .leaving = row.in_use == 0});
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
  }
}

void read_traffic(const Layout& layout, std::span<const ipc::Slot* const> slots,
                  Snapshot& snapshot) {
  for (const std::string& name : layout.routes)
    snapshot.routes.push_back(RouteValues{.name = name});
  for (const PoolValues& pool : snapshot.pools) {
    if (pool.layout.type == "native") continue;
    if (snapshot.failures.empty()) {
      for (const std::string& name : layout.failures)
        snapshot.failures.push_back(FailureValues{.name = name});
    }
    for (const WorkerValues& worker : pool.workers) {
      const ipc::Slot* const slot = slots[worker.index];
      if (slot == nullptr) continue;
      add_failures(*slot, snapshot.failures);
      if (pool.layout.type == "proxy")
        add_traffic(*slot, worker.pid != 0, snapshot.routes, snapshot.endpoints);
    }
  }
  // What has left is shown until it has finished.
  std::erase_if(snapshot.endpoints, [](const EndpointValues& endpoint) {
    return endpoint.leaving && endpoint.connections_active == 0 && endpoint.requests_in_flight == 0;
  });
}

}  // namespace

std::size_t PoolValues::count(ipc::WorkerState state) const {
  return static_cast<std::size_t>(std::ranges::count(workers, state, &WorkerValues::state));
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
  };
  if (const std::int64_t beat = relaxed(header.edge_heartbeat_ns); beat != 0) {
    snapshot.edge_heartbeat_age = Duration(since(beat, now));
  }
  for (const Layout::Pool& pool : layout.pools) {
    PoolValues& values = snapshot.pools.emplace_back(PoolValues{.layout = pool});
    for (std::uint32_t id = 1; id <= pool.workers; ++id) {
      const std::size_t index = pool.first_row + id - 1;
      values.workers.push_back(
          read_worker(board.worker(index), pool.tells ? slots[index] : nullptr, now));
      values.workers.back().id = id;
      values.workers.back().index = index;
    }
  }
  for (std::size_t i = 0; i < layout.listeners.size(); ++i) {
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
  read_traffic(layout, slots, snapshot);
  return snapshot;
}

}  // namespace roundhouse::metrics
