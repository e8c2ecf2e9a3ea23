#include "monitor/observer.h"

#include <algorithm>

#include "monitor/container_memory.h"

namespace roundhouse::monitor {
namespace {

metrics::FairnessWindow::Sample fairness_sample(const metrics::PoolValues& pool,
                                                const metrics::WorkerValues& worker) {
  metrics::FairnessWindow::Sample sample{.pid = worker.pid};
  if (!worker.slot) return sample;
  sample.eligible = worker.state == ipc::WorkerState::kReady && !worker.stalled &&
                    worker.slot->connections_active < pool.layout.worker_connections;
  sample.connections =
      static_cast<std::int64_t>(pool.workers_accept() ? worker.slot->connections_total
                                                      : worker.given - worker.taken_back -
                                                            worker.returned - worker.given_back);
  return sample;
}

// The edge ends a pause in two steps; read between them it would count twice, and then go back.
void never_back(std::array<double, ipc::kPauseReasons>& most,
                std::array<double, ipc::kPauseReasons>& now) {
  for (std::size_t i = 0; i < now.size(); ++i) now[i] = most[i] = std::max(most[i], now[i]);
}

}  // namespace

Result<Observer> Observer::create(metrics::Layout layout, ipc::Board board,
                                  ProcessReader processes) {
  return Observer(std::move(layout), std::move(board), std::move(processes));
}

Observer::Observer(metrics::Layout layout, ipc::Board board, ProcessReader processes)
    : layout_(std::move(layout)),
      board_(std::move(board)),
      processes_(std::move(processes)),
      slots_(board_.workers()),
      slot_pointers_(board_.workers()),
      tracks_(board_.workers()),
      most_paused_(board_.listeners()) {
  for (const auto& pool : layout_.pools) fairness_.emplace_back(std::max(pool.workers, pool.ids));
}

Result<void> Observer::add_slots(std::size_t first, std::span<UniqueFd> descriptors) {
  if (first > slots_.size() || descriptors.size() > slots_.size() - first) {
    return fail("slots of workers that there are not", ExitCode::kSystem);
  }
  for (std::size_t i = 0; i < descriptors.size(); ++i) {
    const UniqueFd fd = std::move(descriptors[i]);
    ipc::Mapping mapping =
        TRY(ipc::map_memory(fd.get(), sizeof(ipc::Slot), ipc::Access::kReadOnly));
    const auto* slot = static_cast<const ipc::Slot*>(mapping.address());
    if (slot->magic != ipc::Slot::kMagic || slot->version != ipc::Slot::kVersion) {
      return fail("a slot of another version", ExitCode::kSystem);
    }
    slots_[first + i] = std::move(mapping);
    slot_pointers_[first + i] = slot;
  }
  return {};
}

bool Observer::complete() const {
  for (std::size_t row = 0; row < slot_pointers_.size(); ++row)
    if (board_.is_used(row) && slot_pointers_[row] == nullptr) return false;
  return true;
}

metrics::Snapshot Observer::glance(Time now) const {
  return metrics::read_snapshot(layout_, board_, endpoints_, slot_pointers_, now);
}

metrics::Snapshot Observer::look(Time now) {
  metrics::Snapshot snapshot = glance(now);
  read_usage(snapshot);
  const ContainerMemory memory = read_container_memory();
  snapshot.container_memory = memory.used;
  snapshot.container_memory_limit = memory.limit;
  census_.fill_in(snapshot, now);
  fill_in_rates(snapshot);
  return snapshot;
}

void Observer::fill_in_rates(metrics::Snapshot& snapshot) {
  for (std::size_t i = 0; i < snapshot.pools.size(); ++i) {
    snapshot.pools[i].fairness = fairness_[i].index();
    for (metrics::WorkerValues& worker : snapshot.pools[i].workers) {
      worker.requests_per_second = tracks_[worker.index].requests_per_second;
      worker.cpu_percent = tracks_[worker.index].cpu_percent;
    }
  }
  for (std::size_t i = 0; i < snapshot.listeners.size(); ++i) {
    never_back(most_paused_[i], snapshot.listeners[i].paused_seconds);
  }
}

metrics::Snapshot Observer::sample(Time now) {
  metrics::Snapshot snapshot = glance(now);
  read_usage(snapshot);
  const double passed = last_sample_ ? seconds(now - *last_sample_) : 0;
  for (std::size_t i = 0; i < snapshot.pools.size(); ++i) {
    const metrics::PoolValues& pool = snapshot.pools[i];
    std::vector<metrics::FairnessWindow::Sample> samples(fairness_[i].workers());
    for (const metrics::WorkerValues& worker : pool.workers) {
      follow(tracks_[worker.index], worker, passed);
      samples[worker.id - 1] = fairness_sample(pool, worker);
    }
    fairness_[i].add(now, samples);
  }
  last_sample_ = now;
  fill_in_rates(snapshot);
  return snapshot;
}

void Observer::follow(Track& track, const metrics::WorkerValues& worker, double passed) {
  const std::uint64_t requests = worker.slot ? worker.slot->requests_total : 0;
  const std::optional<double> cpu = worker.usage.cpu_seconds;
  track.requests_per_second.reset();
  track.cpu_percent.reset();
  if (passed > 0 && worker.slot && track.seen_slot) {
    const std::uint64_t more = std::max(requests, track.requests) - track.requests;
    track.requests_per_second = static_cast<double>(more) / passed;
  }
  if (passed > 0 && cpu && track.cpu_seconds) {
    track.cpu_percent = 100 * std::max(*cpu - *track.cpu_seconds, 0.0) / passed;
  }
  track.requests = requests;
  track.seen_slot = worker.slot.has_value();
  track.cpu_seconds = cpu;
}

void Observer::read_usage(metrics::Snapshot& snapshot) {
  if (const auto edge = processes_.read(snapshot.edge_pid, 0)) {
    snapshot.edge = {.cpu_seconds = edge->cpu_seconds,
                     .resident_bytes = edge->resident_bytes,
                     .open_fds = edge->open_fds};
  }
  for (metrics::PoolValues& pool : snapshot.pools) {
    for (metrics::WorkerValues& worker : pool.workers) {
      const auto stats = processes_.read(worker.pid, snapshot.edge_pid);
      if (stats) worker.usage = {{}, stats->resident_bytes, stats->open_fds};
      double running = stats ? stats->cpu_seconds : 0;
      for (const metrics::OlderProcess& older : worker.older) {
        const auto more = processes_.read(older.pid, snapshot.edge_pid);
        if (!more) continue;
        running += more->cpu_seconds;
        worker.usage.resident_bytes =
            worker.usage.resident_bytes.value_or(0) + more->resident_bytes;
      }
      double& most = tracks_[worker.index].most_cpu_seconds;
      most = std::max(most, worker.dead_cpu_seconds + running);
      // Of a place where nothing could ever be measured nothing is told.
      if (stats || most > 0) worker.usage.cpu_seconds = most;
    }
  }
}

}  // namespace roundhouse::monitor
