#include "monitor/history_recorder.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "ipc/slot.h"

namespace roundhouse::monitor {
namespace {

constexpr std::uint32_t kServerErrors = 500;  // and above

void add(std::optional<std::uint64_t>& total, std::optional<std::uint64_t> more) {
  if (more) total = total.value_or(0) + *more;
}

// NaN where it cannot be told. What goes back was not all seen at one of the two looks.
template <typename T>
float rate(const std::optional<T>& before, const std::optional<T>& after, double seconds) {
  if (!before || !after || seconds <= 0) return NAN;
  return static_cast<float>(static_cast<double>(std::max(*after, *before) - *before) / seconds);
}

template <std::size_t N>
float quantile(const std::array<std::uint64_t, N>& before,
               const std::array<std::uint64_t, N>& after, std::span<const std::int64_t> bounds,
               double share) {
  std::array<std::uint64_t, N> between{};
  for (std::size_t i = 0; i < N; ++i) between[i] = std::max(after[i], before[i]) - before[i];
  return static_cast<float>(metrics::quantile(between, bounds, share).value_or(NAN));
}

}  // namespace

void HistoryRecorder::add_workers(const metrics::PoolValues& pool, Totals& totals) {
  for (const metrics::WorkerValues& worker : pool.workers) {
    Worker values{.name = pool.layout.name + "/" + std::to_string(worker.id),
                  .requests = std::nullopt,
                  .cpu_seconds = worker.usage.cpu_seconds};
    if (worker.slot && pool.tells_connections()) {
      values.requests = worker.slot->requests_total;
      add(totals.requests, values.requests);
      for (std::size_t i = 0; i < ipc::kHandoffBuckets; ++i)
        totals.handoffs[i] += worker.slot->handoff_buckets[i];
    }
    if (!worker.left) totals.workers.push_back(std::move(values));
  }
}

HistoryRecorder::Totals HistoryRecorder::totals_of(const metrics::Snapshot& snapshot, Time now) {
  Totals totals{.at = now};
  for (const metrics::PoolValues& pool : snapshot.pools) add_workers(pool, totals);
  for (const metrics::ListenerValues& listener : snapshot.listeners) {
    add(totals.connections, listener.accepted);
    add(totals.open, listener.active);
  }
  for (const metrics::RouteValues& route : snapshot.routes) {
    std::uint64_t errors = 0;
    for (const auto& [code, count] : route.answers)
      if (code >= kServerErrors) errors += count;
    add(totals.errors, errors);
    for (std::size_t i = 0; i < ipc::kRequestBuckets; ++i)
      totals.durations[i] += route.durations.buckets[i];
  }
  return totals;
}

ipc::HistorySample HistoryRecorder::sample_between(const Totals& before, const Totals& after,
                                                   double wall) const {
  const double passed = seconds(after.at - before.at);
  ipc::HistorySample sample{
      .at = wall,
      .requests_per_second = rate(before.requests, after.requests, passed),
      .errors_per_second = rate(before.errors, after.errors, passed),
      .connections_per_second = rate(before.connections, after.connections, passed),
      .connections = after.open ? static_cast<float>(*after.open) : NAN,
      .p50_seconds = quantile(before.durations, after.durations, ipc::kRequestBounds, 0.5),
      .p99_seconds = quantile(before.durations, after.durations, ipc::kRequestBounds, 0.99),
      .handoff_p99_seconds = quantile(before.handoffs, after.handoffs, ipc::kHandoffBounds, 0.99)};
  std::ranges::fill(sample.workers, ipc::WorkerLoad{NAN, NAN});
  std::vector<std::string> names;
  names.reserve(after.workers.size());
  for (const Worker& worker : after.workers) names.push_back(worker.name);
  const auto places = board_.place_workers(names);
  for (std::size_t i = 0; i < after.workers.size(); ++i) {
    const Worker& worker = after.workers[i];
    const auto known = std::ranges::find(before.workers, worker.name, &Worker::name);
    if (places[i] >= ipc::kHistoryWorkers || known == before.workers.end()) continue;
    sample.workers[places[i]] = {rate(known->requests, worker.requests, passed),
                                 100 * rate(known->cpu_seconds, worker.cpu_seconds, passed)};
  }
  return sample;
}

void HistoryRecorder::record(const metrics::Snapshot& snapshot, Time now, double wall) {
  Totals totals = totals_of(snapshot, now);
  if (last_ && now > last_->at)
    board_.add(ipc::HistoryStep::kFine, sample_between(*last_, totals, wall));
  if (!coarse_begin_) coarse_begin_ = totals;
  if (now - coarse_begin_->at >= kCoarseStep) {
    board_.add(ipc::HistoryStep::kCoarse, sample_between(*coarse_begin_, totals, wall));
    coarse_begin_ = totals;
  }
  last_ = std::move(totals);
}

}  // namespace roundhouse::monitor
