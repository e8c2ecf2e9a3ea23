// Policy rr, seen from outside: in a turn in which every worker was eligible throughout, each
// listener's connections go to the workers strictly in turn, and on from where it was.
#pragma once

#include <optional>
#include <vector>

#include "simulation/ledger.h"

namespace roundhouse::simulation {

class RotationWatch {
 public:
  RotationWatch(Record& record, std::size_t workers, std::size_t listeners)
      : record_(record), workers_(workers), last_(listeners) {}

  // What one listener's accepts of one turn became. `plain`: everybody was eligible throughout and
  // nothing else was given out.
  void turn(std::size_t listener, const std::vector<std::size_t>& places, bool plain) {
    auto& last = last_[listener];
    if (!plain) {
      if (!places.empty()) last.reset();
      return;
    }
    for (const std::size_t place : places) {
      if (last) ++checked_;
      record_.check(!last || place == (*last + 1) % workers_, "listener ", listener,
                    " gave to worker ", place, " after ", last.value_or(0), " of ", workers_);
      last = place;
    }
  }
  void forget() { last_.assign(last_.size(), std::nullopt); }
  std::uint64_t checked() const { return checked_; }

 private:
  Record& record_;
  const std::size_t workers_;
  std::vector<std::optional<std::size_t>> last_;
  std::uint64_t checked_ = 0;
};

}  // namespace roundhouse::simulation
