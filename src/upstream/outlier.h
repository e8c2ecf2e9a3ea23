// When an endpoint that fails is left alone for a while. Pure: told the time.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "config/proxy_options.h"

namespace roundhouse::upstream {

// Of one endpoint. Ejected after `failures` in a row within `window`, for base, 2 x base, ... up to
// max; each success afterwards takes one step back. Whether it may be ejected at all (at_most,
// never all) is the cluster's to say.
class Outlier {
 public:
  explicit Outlier(const config::Upstream::Eject& config) : config_(config) {}

  void succeeded();
  // True: it is to be ejected, if that is allowed.
  bool failed(Time now);
  void eject(Time now);
  // False as soon as its time is over; then it is on probation, and one failure ejects it again.
  bool ejected(Time now) const { return now < until_; }
  Time until() const { return until_; }
  // Another process is there now: all that was held against the last one.
  void forget() {
    failures_ = ejections_ = 0;
    until_ = {};
  }

 private:
  const config::Upstream::Eject& config_;
  std::uint32_t failures_ = 0;
  std::uint32_t ejections_ = 0;
  Time first_{};  // of the failures
  Time until_{};
};

}  // namespace roundhouse::upstream
