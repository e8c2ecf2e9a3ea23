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
  std::size_t first_worker;  // of the pool, on the board
  std::size_t from_end;      // how many rows before the end its first endpoint is
};

// In the order of the upstreams.
std::vector<PoolUpstream> pool_upstreams(const Configuration& configuration);

// The row of the worker at `place` in a slot, where there are `rows`. They are at the end, since
// configured servers begin at the first.
constexpr std::size_t row_of_pool_endpoint(std::size_t from_end, std::size_t place,
                                           std::size_t rows) {
  return rows - from_end + place;
}

}  // namespace roundhouse::config
