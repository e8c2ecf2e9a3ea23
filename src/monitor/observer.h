// Sees the instance: board and slots, which it only reads, and /proc. Everything the monitor says
// comes from a Snapshot taken here.
//
// Rates and fairness need the passing of time: sample() once a second.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/unique_fd.h"
#include "ipc/board.h"
#include "ipc/endpoint_board.h"
#include "ipc/shared_memory.h"
#include "metrics/fairness.h"
#include "metrics/snapshot.h"
#include "monitor/connection_census.h"
#include "monitor/process_stats.h"

namespace roundhouse::monitor {

class Observer {
 public:
  // Error: layout and board do not agree.
  static Result<Observer> create(metrics::Layout layout, ipc::Board board,
                                 ProcessReader processes = ProcessReader());

  // Slots of workers `first`, `first` + 1, ... Their descriptors are closed, the mappings stay.
  Result<void> add_slots(std::size_t first, std::span<UniqueFd> descriptors);

  // Where endpoints are; must outlive this.
  void watch_endpoints(const ipc::EndpointBoard& board) { endpoints_ = &board; }

  const ipc::Board& board() const { return board_; }

  // Every slot has arrived.
  bool complete() const;

  // What it saw: as look(), without the census and the memory of the container.
  metrics::Snapshot sample(Time now);

  // What shared memory says; cheap.
  metrics::Snapshot glance(Time now) const;
  // All of it. Reads /proc for each worker.
  metrics::Snapshot look(Time now);

 private:
  // What a worker's counters were at the last sample, and what followed from the two last.
  struct Track {
    bool seen_slot = false;
    std::uint64_t requests = 0;
    std::optional<double> cpu_seconds;
    double most_cpu_seconds = 0;  // told so far: a dying process must not take the counter back
    std::optional<double> requests_per_second;
    std::optional<double> cpu_percent;
  };

  Observer(metrics::Layout layout, ipc::Board board, ProcessReader processes);
  void read_usage(metrics::Snapshot& snapshot);
  void fill_in_rates(metrics::Snapshot& snapshot);
  static void follow(Track& track, const metrics::WorkerValues& worker, double passed);

  metrics::Layout layout_;
  ipc::Board board_;
  const ipc::EndpointBoard* endpoints_ = nullptr;  // none: there are no upstreams
  ProcessReader processes_;
  ConnectionCensus census_;
  std::vector<ipc::Mapping> slots_;
  std::vector<const ipc::Slot*> slot_pointers_;
  std::vector<Track> tracks_;
  std::vector<std::array<double, ipc::kPauseReasons>> most_paused_;
  std::vector<metrics::FairnessWindow> fairness_;  // of each pool
  std::optional<Time> last_sample_;
};

}  // namespace roundhouse::monitor
