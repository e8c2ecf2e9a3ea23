#include "edge/renewal_schedule.h"

#include <algorithm>

namespace roundhouse::edge {

void RenewalSchedule::changed(Time now) {
  if (!first_change_) first_change_ = now;
  last_change_ = now;
}

bool RenewalSchedule::is_due(Time now) const {
  if (looking_ || now < not_before_) return false;
  if (now >= next_) return true;
  return first_change_ && now >= std::min(last_change_ + kQuiet, *first_change_ + kQuietAtMost);
}

void RenewalSchedule::begun() {
  looking_ = true;
  first_change_.reset();
}

// What was not told yet keeps its time, so that files which are wrong in ever other ways are told;
// after that each new fault has its own.
bool RenewalSchedule::ended(Time now, const std::string& wrong) {
  looking_ = false;
  not_before_ = now + kPause;
  next_ = now + kLookEvery;
  const bool is_new = wrong_.empty() || (wrong != wrong_ && !told_.empty());
  if (is_new) wrong_since_ = now;
  wrong_ = wrong;
  if (wrong.empty()) told_.clear();
  if (wrong.empty() || wrong == told_) return false;
  if (now - wrong_since_ < kPatience) {
    next_ = not_before_;
    return false;
  }
  told_ = wrong;
  return true;
}

}  // namespace roundhouse::edge
