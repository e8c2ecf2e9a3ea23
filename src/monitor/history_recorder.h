// Makes samples of the instance's past from what the monitor sees, and keeps them on the history
// board: what the charts of the dashboard show.
//
// A sample is what happened between two looks: rates, and quantiles of what was measured meanwhile.
// Without I/O; told the time.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "ipc/history_board.h"
#include "metrics/snapshot.h"

namespace roundhouse::monitor {

class HistoryRecorder {
 public:
  static constexpr Duration kCoarseStep = std::chrono::seconds(10);

  // `board` must outlive it.
  explicit HistoryRecorder(const ipc::HistoryBoard& board) : board_(board) {}

  // `wall`: Unix time. REQUIRES: `now` does not go back.
  void record(const metrics::Snapshot& snapshot, Time now, double wall);

 private:
  struct Worker {
    std::string name;
    std::optional<std::uint64_t> requests;
    std::optional<double> cpu_seconds;
  };
  // Of the whole instance, so far. None: cannot be told.
  struct Totals {
    Time at;
    std::optional<std::uint64_t> requests;
    std::optional<std::uint64_t> errors;
    std::optional<std::uint64_t> connections;
    std::optional<std::uint64_t> open;
    std::array<std::uint64_t, ipc::kRequestBuckets> durations{};
    std::array<std::uint64_t, ipc::kHandoffBuckets> handoffs{};
    std::vector<Worker> workers;
  };

  static Totals totals_of(const metrics::Snapshot& snapshot, Time now);
  static void add_workers(const metrics::PoolValues& pool, Totals& totals);
  ipc::HistorySample sample_between(const Totals& before, const Totals& after, double wall) const;

  const ipc::HistoryBoard& board_;
  std::optional<Totals> last_;
  std::optional<Totals> coarse_begin_;
};

}  // namespace roundhouse::monitor
