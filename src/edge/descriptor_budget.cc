#include "edge/descriptor_budget.h"

#include <sys/resource.h>

#include <algorithm>

#include "config/pool_endpoints.h"

namespace roundhouse::edge {

std::uint64_t descriptors_of_workers(const config::Configuration& configuration) {
  const auto upstreams = config::pool_upstreams(configuration);
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < configuration.pools.size(); ++i) {
    const config::Pool& pool = configuration.pools[i];
    std::uint64_t each = config::is_program(pool.type) ? 5 : 3;
    if (std::ranges::find(upstreams, i, &config::PoolUpstream::pool) != upstreams.end()) ++each;
    for (const config::Listener& listener : configuration.listeners) {
      if (pool.policy == config::Policy::kRrKernel && listener.pool == pool.name)
        each += listener.bind.size();
    }
    all += each * pool.workers;
  }
  return all;
}

std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

std::uint32_t depth_that_fits(std::uint32_t wanted, std::uint64_t limit, std::uint64_t others,
                              std::size_t workers) {
  const std::uint64_t fits = limit > others ? (limit - others) / workers : 0;
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(fits, 1, wanted));
}

}  // namespace roundhouse::edge
