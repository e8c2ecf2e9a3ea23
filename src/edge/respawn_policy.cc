#include "edge/respawn_policy.h"

#include <algorithm>

namespace roundhouse::edge {
namespace {

constexpr Duration kLastPlaceDelayMax = std::chrono::seconds(1);
constexpr double kJitter = 0.2;

}  // namespace

RespawnPolicy::RespawnPolicy(const config::Pool::Restart& options, Time now)
    : options_(options), tokens_(options.burst), refilled_at_(now) {}

void RespawnPolicy::refill(Time now) {
  const double gained = seconds(now - refilled_at_) / std::max(seconds(options_.refill), 1e-3);
  tokens_ = std::min<double>(options_.burst, tokens_ + std::max(gained, 0.0));
  refilled_at_ = now;
}

Respawn RespawnPolicy::after_exit(Time now, bool was_ready, bool last_ready_place, double random) {
  refill(now);
  failed_starts_ = was_ready ? 0 : failed_starts_ + 1;
  if (tokens_ < 1 || failed_starts_ >= options_.failed_starts)
    return paused(last_ready_place, random);
  tokens_ -= 1;
  delays_in_a_row_ = 0;
  return {.delay = Duration::zero(), .quarantined = false};
}

Respawn RespawnPolicy::after_failed_spawn(Time now, bool last_ready_place, double random) {
  refill(now);
  ++failed_starts_;
  return paused(last_ready_place, random);
}

Respawn RespawnPolicy::paused(bool last_ready_place, double random) {
  if (failed_starts_ >= options_.failed_starts)
    return {.delay = options_.probe, .quarantined = true};
  Duration delay = options_.backoff_min;
  for (std::uint32_t i = 0; i < delays_in_a_row_ && delay < options_.backoff_max; ++i) delay *= 2;
  ++delays_in_a_row_;
  delay = std::min(delay, options_.backoff_max);
  delay = std::chrono::duration_cast<Duration>(delay * (1 - kJitter + 2 * kJitter * random));
  if (last_ready_place) delay = std::min(delay, kLastPlaceDelayMax);
  return {.delay = delay, .quarantined = false};
}

}  // namespace roundhouse::edge
