#include "edge/kernel_turns.h"

namespace roundhouse::edge {

bool KernelTurns::serve(std::size_t worker, bool serving) {
  Place& place = places_[worker];
  const bool before = in_turn(worker);
  if (place.serving != serving) place = {.serving = serving, .accepted = place.accepted};
  return in_turn(worker) != before;
}

bool KernelTurns::observe(Time now, std::span<const Seen> seen) {
  bool changed = false;
  for (std::size_t worker = 0; worker < places_.size(); ++worker) {
    Place& place = places_[worker];
    const Seen& here = seen[worker];
    const bool before = in_turn(worker);
    const bool moved = here.accepted != place.accepted;
    place.accepted = here.accepted;
    if (!place.serving || !here.heartbeat) continue;
    if (place.stalled_at) {
      if (moved || (*here.heartbeat > *place.stalled_at && here.has_room)) {
        place.stalled_at.reset();
        place.waiting_since.reset();
      }
    } else if (moved || !here.waiting) {
      place.waiting_since.reset();
    } else {
      if (!place.waiting_since) place.waiting_since = now;
      if (now - *place.waiting_since >= stall_) place.stalled_at = now;
    }
    changed = changed || in_turn(worker) != before;
  }
  return changed;
}

std::vector<std::uint32_t> KernelTurns::all_in_turn() const {
  std::vector<std::uint32_t> all;
  for (std::size_t worker = 0; worker < places_.size(); ++worker)
    if (in_turn(worker)) all.push_back(static_cast<std::uint32_t>(worker));
  return all;
}

}  // namespace roundhouse::edge
