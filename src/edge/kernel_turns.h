// Policy rr_kernel: which workers the kernel gives connections to now. Pure: told the time.
//
// A worker is in turn while it serves and takes what waits for it. One whose queue is not empty and
// whose count of accepted connections has not moved for `stall` is out of turn: what waits in its
// queue, and what would have come, goes to others. It is in turn again when its event loop has run
// since and it has room. Of a worker that tells neither, nothing is judged: it is out of turn when
// it is dead or draining, and only then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"

namespace roundhouse::edge {

class KernelTurns {
 public:
  struct Seen {
    std::uint64_t accepted = 0;     // by the worker itself, so far
    bool waiting = false;           // something is in its queue
    bool has_room = true;           // fewer open than it may have
    std::optional<Time> heartbeat;  // none: nothing is judged
  };

  KernelTurns(std::size_t workers, Duration stall) : stall_(stall), places_(workers) {}

  std::size_t workers() const { return places_.size(); }
  // A change: true.
  bool serve(std::size_t worker, bool serving);
  // Every stall / 2 or so, one for each worker. True if it changed who is in turn.
  bool observe(Time now, std::span<const Seen> seen);

  bool in_turn(std::size_t worker) const {
    return places_[worker].serving && !places_[worker].stalled_at;
  }
  std::vector<std::uint32_t> all_in_turn() const;

 private:
  struct Place {
    bool serving = false;
    std::uint64_t accepted = 0;
    std::optional<Time> waiting_since;  // and accepted has not moved
    std::optional<Time> stalled_at;
  };

  Duration stall_;
  std::vector<Place> places_;
};

}  // namespace roundhouse::edge
