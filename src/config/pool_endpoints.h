// Which worker of which pool is which endpoint: where an upstream is a pool, edge, proxies and
// monitor count the same way.
#pragma once

#include <cstddef>
#include <vector>

#include "config/options.h"

namespace roundhouse::config {

struct PoolUpstream {
  std::size_t upstream;  // in the configuration's order, as is:
  std::size_t pool;
  std::size_t first_worker;    // of the pool, on the board
  std::size_t first_endpoint;  // among the endpoints of all pools
};

// In the order of the upstreams.
std::vector<PoolUpstream> pool_upstreams(const Configuration& configuration);

// The row of such an endpoint in a slot, where there are `rows`. They begin at the last one, since
// configured servers begin at the first.
constexpr std::size_t row_of_pool_endpoint(std::size_t endpoint, std::size_t rows) {
  return rows - 1 - endpoint;
}

}  // namespace roundhouse::config
