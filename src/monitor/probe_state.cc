#include "monitor/probe_state.h"

namespace roundhouse::monitor {
namespace {

Duration part_of(Duration whole, double share) {
  return std::chrono::duration_cast<Duration>(whole * share);
}

}  // namespace

ProbeState::Change ProbeState::ended(bool well, Time began, double dice) {
  due_ = began + part_of(health_.interval, first_ ? 0.5 + dice : 0.9 + 0.2 * dice);
  first_ = false;
  if (well == healthy_) {
    against_ = 0;
    return Change::kNone;
  }
  if (++against_ < (healthy_ ? health_.fall : health_.rise)) return Change::kNone;
  against_ = 0;
  healthy_ = well;
  return well ? Change::kRose : Change::kFell;
}

void ProbeState::postpone(Time now) { due_ = now + health_.interval; }

}  // namespace roundhouse::monitor
