// How many requests may be tried again: a share of those that come. Pure: told the time.
#pragma once

#include <cstdint>

#include "base/clock.h"

namespace roundhouse::upstream {

// Over the last ten seconds or so at most `percent` of the requests, so that a failing upstream is
// not asked twice as often as it can bear; and always kLeast, ten a second: an endpoint that dies
// costs a quiet site no request either.
class RetryBudget {
 public:
  static constexpr Duration kWindow = std::chrono::seconds(10);
  static constexpr double kLeast = 100;

  explicit RetryBudget(std::uint32_t percent) : share_(percent / 100.0) {}

  void request(Time now) {
    decay(now);
    requests_ += 1;
  }
  // False: none is left.
  bool take(Time now);

 private:
  void decay(Time now);

  double share_;
  double requests_ = 0;  // both fade exponentially
  double retries_ = 0;
  Time faded_{};
};

}  // namespace roundhouse::upstream
