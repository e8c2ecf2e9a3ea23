// When a worker is asked over HTTP, and what the answers say: that it is ready, or that it hangs.
// Pure: told the time, and the dice.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "config/options.h"
#include "ipc/board.h"

namespace roundhouse::monitor {

// A worker that starts is asked until it answers well; one that is ready at its interval, 10 % more
// or less. Of another process, and from ready on, everything counts anew.
class WorkerHealth {
 public:
  enum class Verdict : std::uint8_t { kNone, kNotYet, kReady, kHangs };

  // `pool` must outlive it.
  explicit WorkerHealth(const config::Pool& pool) : pool_(pool) {}

  // What runs in its place now. True if that is another process, or the same in another state: an
  // answer that is still due is none to what was asked.
  bool follow(std::int32_t pid, ipc::WorkerState state, Time now, double dice);

  // When it is asked next; none: not at all as it is now.
  std::optional<Time> due() const { return due_; }
  std::int32_t pid() const { return pid_; }
  bool starts() const { return state_ == ipc::WorkerState::kStarting; }
  const std::string& path() const;
  Duration timeout() const;

  // A question of `began` has an answer, or none. `dice`: from 0 to 1.
  Verdict ended(bool well, Time began, Time now, double dice);
  // It could not be asked, which says nothing about it.
  void postpone(Time now);
  // When the first of the last failures in a row began.
  Time failing_since() const { return failing_since_; }

 private:
  Duration interval(double dice) const;

  const config::Pool& pool_;
  std::int32_t pid_ = 0;
  ipc::WorkerState state_ = ipc::WorkerState::kGone;
  std::optional<Time> due_;
  std::uint32_t failures_ = 0;  // in a row
  Time failing_since_{};
};

}  // namespace roundhouse::monitor
