// Which worker of which pool is which endpoint: where an upstream is a pool, edge, proxies and
// monitor count the same way.
#pragma once

#include <cstddef>
#include <vector>

#include "config/options.h"

namespace roundhouse::config {

// The endpoint of each place of `pool` is the row first_endpoint + place.
struct PoolUpstream {
  std::size_t upstream;  // in the configuration's order, as is:
  std::size_t pool;
  std::size_t first_endpoint;
};

// In the order of the upstreams.
std::vector<PoolUpstream> pool_upstreams(const Configuration& configuration);

}  // namespace roundhouse::config
