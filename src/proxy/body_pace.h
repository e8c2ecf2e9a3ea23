// Whether the body of a request comes fast enough, or an answer is taken fast enough: on average at
// least so many bytes a second, after a grace, while nobody but the client is waited for.
//
// A deadline for each read or write alone would let a client hold a connection, and one to an
// endpoint, with a byte now and then. Pure: told the time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace roundhouse::proxy {

class BodyPace {
 public:
  // Long enough for a lost packet or two on a slow link, and for the first of what is being made.
  static constexpr Duration kGrace = std::chrono::seconds(5);
  // What moved fast does not buy a longer rest than this.
  static constexpr Duration kCreditMax = std::chrono::seconds(60);

  // Bytes a second; 0: any pace will do.
  void start(std::uint64_t rate, Time now);
  void moved(std::size_t bytes, Time now);
  // Whether the client is waited for, from now on.
  void set_waiting(bool waiting, Time now);
  // When more must have moved; Time::max(): never. REQUIRES: the client is waited for.
  Time deadline() const { return due_; }

 private:
  std::uint64_t rate_ = 0;
  Time due_ = Time::max();
  std::optional<Time> stopped_;  // since when it is not waited for
};

}  // namespace roundhouse::proxy
