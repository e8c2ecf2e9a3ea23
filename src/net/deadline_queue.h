// Coarse deadlines for many connections: O(1) to set, move and cancel, one libevent timer for all.
//
// A wheel of kSlots slots, kResolution each. A deadline fires at most kResolution late, never
// early. One beyond the wheel's horizon waits in its slot for further rounds.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace roundhouse {

// Embed one per deadline; destroying it cancels it. Not movable: the queue points at it.
class Deadline {
 public:
  Deadline() = default;
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  ~Deadline() { cancel(); }

  void cancel();
  bool pending() const { return next_ != nullptr; }

 protected:
  // Called by DeadlineQueue::advance, after the deadline is no longer pending; may set it again or
  // destroy its owner.
  virtual void expired() {}

 private:
  friend class DeadlineQueue;
  Deadline* previous_ = nullptr;
  Deadline* next_ = nullptr;
  std::int64_t tick_ = 0;
  std::size_t* count_ = nullptr;
};

class DeadlineQueue {
 public:
  static constexpr Duration kResolution = std::chrono::milliseconds(100);
  static constexpr std::size_t kSlots = 1024;

  explicit DeadlineQueue(Time now);
  DeadlineQueue(const DeadlineQueue&) = delete;
  DeadlineQueue& operator=(const DeadlineQueue&) = delete;
  ~DeadlineQueue();

  // Moves it if it is pending.
  void set(Deadline& deadline, Time when);
  // Fires everything due at `now`.
  void advance(Time now);
  bool empty() const { return count_ == 0; }
  std::size_t size() const { return count_; }

 private:
  static std::int64_t tick_of(Time when);

  std::array<Deadline, kSlots> slots_;  // each the head of a ring
  std::int64_t tick_;                   // everything due at or before it has fired
  std::size_t count_ = 0;
};

}  // namespace roundhouse
