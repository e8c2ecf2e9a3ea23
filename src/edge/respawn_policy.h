// When to start the next worker of a place after one ended. Pure: told the time and a random
// number.
//
// A token bucket: `burst` immediate restarts, one token more each `refill`. Empty: 0.5 s doubling
// to 5 s, +-20 %, until a token is there again (with the defaults that is after the second pause).
// Separately, `failed_starts` ends in a row without ever having been ready put the place into
// quarantine: one probe start every `probe`, for ever. A worker that became ready and died later
// never gets there.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "config/options.h"

namespace roundhouse::edge {

struct Respawn {
  Duration delay;  // zero: at once
  bool quarantined;
};

class RespawnPolicy {
 public:
  RespawnPolicy(const config::Pool::Restart& options, Time now);

  // Ends the count of starts that failed in a row.
  void became_ready() { failed_starts_ = 0; }
  // `random` is uniform in [0, 1). `last_ready_place`: no other place of the pool is ready, so a
  // delay is at most 1 s.
  Respawn after_exit(Time now, bool was_ready, bool last_ready_place, double random);
  // The system made no process: never at once again, since nothing has changed by then.
  Respawn after_failed_spawn(Time now, bool last_ready_place, double random);

 private:
  void refill(Time now);
  Respawn paused(bool last_ready_place, double random);

  config::Pool::Restart options_;
  double tokens_;
  Time refilled_at_;
  std::uint32_t delays_in_a_row_ = 0;
  std::uint32_t failed_starts_ = 0;
};

}  // namespace roundhouse::edge
