// `rate_limit` of a route: how many requests one client address may make, over all workers of the
// pool.
#pragma once

#include <cstddef>

#include "base/address.h"
#include "base/clock.h"
#include "config/proxy_options.h"
#include "ipc/limits.h"

namespace roundhouse::proxy {

class RateLimiter {
 public:
  // nullptr: no route has a limit. Must outlive this.
  explicit RateLimiter(ipc::Limits* limits) : limits_(limits) {}

  // One request of the client for the route of this index. A refusal (http::Failure::kRateLimited)
  // says when to come again, and costs the client nothing. `now` is the clock's, which all workers
  // share: by a time from before another's request its tokens would seem to be missing.
  ipc::Verdict take(std::size_t route, const config::Rate& rate, const Address& client, Time now);

 private:
  ipc::Limits* limits_;
};

}  // namespace roundhouse::proxy
