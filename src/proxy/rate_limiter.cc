#include "proxy/rate_limiter.h"

#include <cstdint>

namespace roundhouse::proxy {

ipc::Verdict RateLimiter::take(std::size_t route, const config::Rate& rate, const Address& client,
                               Time now) {
  if (limits_ == nullptr || rate.count == 0) return {};
  const std::uint64_t key = limits_->key(static_cast<std::uint32_t>(route), client);
  return limits_->take_token(key, ipc::Pace::of(rate.count, rate.per), now);
}

}  // namespace roundhouse::proxy
