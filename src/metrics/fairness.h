// How evenly connections were given to the workers of a pool: Jain's index over a sliding window.
//
// A worker that was away for a while is not due what the others got meanwhile. So each interval
// between two samples counts by itself: what it gave to the workers that were eligible at both of
// its ends, in the same process, was due to each of them in equal parts. Over the window, x is a
// worker's connections divided by what was due to it, and the index is (sum x)^2 / (n * sum x^2): 1
// when everyone got its share, 1/n when one of n got everything.
//
// Pure: told the time and the numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"

namespace roundhouse::metrics {

class FairnessWindow {
 public:
  struct Sample {
    std::int64_t connections = 0;  // so far
    std::int32_t pid = 0;
    bool eligible = false;
  };

  // Fewer connections than this are too few to judge a worker by.
  static constexpr double kLeastDue = 16;

  explicit FairnessWindow(std::size_t workers, Duration window = std::chrono::seconds(60));

  std::size_t workers() const { return last_.size(); }

  // REQUIRES: one sample for each worker, always in the same order; `now` does not go back.
  void add(Time now, std::span<const Sample> samples);

  // Over the workers to which at least kLeastDue connections were due; none if there are none.
  std::optional<double> index() const;

 private:
  struct Share {
    float got = 0;
    float due = 0;
  };
  struct Interval {
    Time end;
    std::vector<Share> shares;
  };

  Duration window_;
  std::vector<Sample> last_;
  bool has_last_ = false;
  std::deque<Interval> intervals_;  // those in which anything was given
};

}  // namespace roundhouse::metrics
