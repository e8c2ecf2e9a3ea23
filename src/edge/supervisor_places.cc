// Places whose owner decides when a worker starts there and when it ends: rollouts, the library.
#include <algorithm>
#include <utility>

#include "edge/supervisor.h"

namespace roundhouse::edge {

void Supervisor::add_place(Time now, bool respawns) {
  Place& place = places_.emplace_back(pool_, now);
  place.state = WorkerState::kGone;
  place.respawns = respawns;
}

Actions Supervisor::start_place(std::size_t index, Time now) {
  Actions actions;
  note_time(now);
  if (!last_tick_) last_tick_ = now;
  places_[index].retired = false;
  start_place(index, now, actions);
  return actions;
}

Actions Supervisor::try_place(std::size_t index, PoolOptions options, Time now) {
  Actions actions;
  note_time(now);
  (places_[index] = Place(options, now)).respawns = false;
  const PoolOptions in_force = std::exchange(pool_, std::move(options));
  start_place(index, now, actions);
  pool_ = in_force;
  return actions;
}

Actions Supervisor::retire(std::size_t index, Time now, Time deadline, ExitReason reason) {
  Actions actions;
  note_time(now);
  Place& place = places_[index];
  place.retired = true;
  if (!place.running) {
    place.state = WorkerState::kGone;
  } else if (place.state == WorkerState::kDraining) {
    place.deadline = std::min(place.deadline, deadline);
  } else {
    drain_place(index, place.ending.value_or(reason), deadline, actions);
  }
  return actions;
}

Actions Supervisor::give_up(std::size_t index, Time now, Time deadline, ExitReason reason) {
  if (places_[index].state != WorkerState::kStarting) return retire(index, now, deadline, reason);
  Actions actions;
  places_[index].retired = true;
  end_before_ready(index, reason, deadline, actions);
  return actions;
}

}  // namespace roundhouse::edge
