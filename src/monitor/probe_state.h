// When an endpoint is probed, and what the outcomes mean. Pure: told the time, and the dice.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "config/proxy_options.h"

namespace roundhouse::monitor {

// Well or not, until `fall` failures or `rise` successes in a row say otherwise. The first probe is
// due at once, the second after half an interval to one and a half, so that endpoints which began
// together drift apart; then each interval is 10 % longer or shorter.
class ProbeState {
 public:
  enum class Change : std::uint8_t { kNone, kFell, kRose };

  // `health` must outlive it.
  ProbeState(const config::Upstream::Health& health, bool healthy, Time now)
      : health_(health), healthy_(healthy), due_(now) {}

  // When the next probe is to begin.
  Time due() const { return due_; }
  bool healthy() const { return healthy_; }

  // One that began at `began` has ended. `dice`: from 0 to 1.
  Change ended(bool well, Time began, double dice);
  // It could not be made, which says nothing about the endpoint.
  void postpone(Time now);

 private:
  const config::Upstream::Health& health_;
  bool healthy_;
  bool first_ = true;
  std::uint32_t against_ = 0;  // outcomes in a row that speak against healthy_
  Time due_;
};

}  // namespace roundhouse::monitor
