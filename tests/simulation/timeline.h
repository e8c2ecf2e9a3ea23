// Virtual time: what is to happen, in order of time, and within one moment in order of asking.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

#include "base/clock.h"

namespace roundhouse::simulation {

class Timeline {
 public:
  Time now() const { return now_; }
  void at(Time when, std::function<void()> what) {
    events_.push({std::max(when, now_), ++asked_, std::move(what)});
  }
  void in(Duration delay, std::function<void()> what) { at(now_ + delay, std::move(what)); }

  // Lets the next thing happen; false when nothing is to happen any more.
  bool step() {
    if (events_.empty()) return false;
    // priority_queue gives no way to move its top out; the callback is not part of the order.
    auto what = std::move(const_cast<Event&>(events_.top()).what);
    now_ = events_.top().when;
    events_.pop();
    what();
    return true;
  }

 private:
  struct Event {
    Time when;
    std::uint64_t asked;
    std::function<void()> what;
    bool operator<(const Event& other) const {
      return when != other.when ? when > other.when : asked > other.asked;
    }
  };

  Time now_{std::chrono::seconds(1000)};
  std::uint64_t asked_ = 0;
  std::priority_queue<Event> events_;
};

}  // namespace roundhouse::simulation
