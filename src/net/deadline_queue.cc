#include "net/deadline_queue.h"

#include <algorithm>

namespace roundhouse {

void Deadline::cancel() {
  if (!pending()) return;
  previous_->next_ = next_;
  next_->previous_ = previous_;
  previous_ = next_ = nullptr;
  if (count_ != nullptr) --*count_;
}

// Rounded up, so that nothing fires early.
std::int64_t DeadlineQueue::tick_of(Time when) {
  return (when.time_since_epoch() + kResolution - Duration(1)) / kResolution;
}

DeadlineQueue::DeadlineQueue(Time now) : tick_(now.time_since_epoch() / kResolution) {
  for (Deadline& head : slots_) head.previous_ = head.next_ = &head;
}

DeadlineQueue::~DeadlineQueue() {
  for (Deadline& head : slots_) {
    while (head.next_ != &head) head.next_->cancel();
    head.previous_ = head.next_ = nullptr;
  }
}

void DeadlineQueue::set(Deadline& deadline, Time when) {
  const std::int64_t tick = std::max(tick_of(when), tick_ + 1);
  if (deadline.pending() && deadline.tick_ == tick) return;
  deadline.cancel();
  deadline.tick_ = tick;
  deadline.count_ = &count_;
  Deadline& head = slots_[static_cast<std::size_t>(tick) % kSlots];
  deadline.previous_ = head.previous_;
  deadline.next_ = &head;
  head.previous_->next_ = &deadline;
  head.previous_ = &deadline;
  ++count_;
}

void DeadlineQueue::advance(Time now) {
  const std::int64_t target = now.time_since_epoch() / kResolution;
  // After a long pause each slot is looked at once, not once per missed round.
  const std::int64_t first = std::max(tick_ + 1, target - static_cast<std::int64_t>(kSlots) + 1);
  tick_ = std::max(tick_, target);
  for (std::int64_t tick = first; tick <= target; ++tick) {
    Deadline& head = slots_[static_cast<std::size_t>(tick) % kSlots];
    // Due ones leave the ring before their owner hears of it; what that owner sets anew lies after
    // tick_.
    Deadline due;
    due.previous_ = due.next_ = &due;
    for (Deadline* at = head.next_; at != &head;) {
      Deadline* next = at->next_;
      if (at->tick_ <= target) {
        at->previous_->next_ = at->next_;
        at->next_->previous_ = at->previous_;
        at->previous_ = due.previous_;
        at->next_ = &due;
        due.previous_->next_ = at;
        due.previous_ = at;
      }
      at = next;
    }
    while (due.next_ != &due) {
      Deadline* expired = due.next_;
      expired->cancel();
      expired->expired();
    }
    due.previous_ = due.next_ = nullptr;
  }
}

}  // namespace roundhouse
