// The rules of supervision, seen from outside: what the supervisor orders is compared with what the
// processes really did.
#pragma once

#include <optional>
#include <vector>

#include "edge/supervisor.h"
#include "simulation/worker.h"

namespace roundhouse::simulation {

class SupervisionWatch {
 public:
  SupervisionWatch(World& world, const config::Pool& options, const edge::Supervisor& supervisor);

  // What the supervisor orders. `worker`: the process at the place, if there is one.
  void starts(std::size_t place);
  void signals(std::size_t place, int number, const Worker* worker);
  void serves(std::size_t place, const Worker* worker);
  void drains(std::size_t place, Time deadline);
  void fails();
  // What it is told.
  void spawned(std::size_t place);
  void spawn_failed(std::size_t place);
  void ready(std::size_t place);
  void broke_protocol(std::size_t place, const Worker* worker);
  void drains_itself(std::size_t place) { seats_[place].drains_itself = true; }
  void exited(std::size_t place, const edge::ExitStatus& status, const edge::Obituary& obituary);
  void stops(Time deadline);
  // After each tick.
  void ticked(std::size_t place, const Worker* worker);

 private:
  struct Place {
    bool process = false;
    bool was_ready = false;
    bool ever_ended = false;
    bool drains_itself = false;
    std::uint32_t failed_starts = 0;  // in a row
    double restarts_level = 0;        // of a bucket that runs out one in each `refill`
    Time restarts_at{};
    std::optional<Time> start_not_before;
    bool starts_never = false;
    bool at_once = false;  // the next start was allowed without a pause
    std::optional<Time> drain_deadline;
    std::optional<Time> aborted_at;
    Duration lost_at_start{};  // World::edge_lost then: later pauses are forgiven
    Duration lost_at_drain{};
    Duration lost_at_abort{};
    bool kill_ordered = false;
    Time ready_at{};
  };
  void ended(std::size_t place, edge::WorkerState next, Time next_start, bool budgeted);
  bool others_ready(std::size_t place) const;

  World& world_;
  const config::Pool& options_;
  const edge::Supervisor& supervisor_;
  std::vector<Place> seats_;
  std::optional<Time> stop_deadline_;
  bool ever_ready_ = false;
  bool failed_ = false;
};

}  // namespace roundhouse::simulation
