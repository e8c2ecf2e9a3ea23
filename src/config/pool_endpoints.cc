#include "config/pool_endpoints.h"

namespace roundhouse::config {

std::vector<PoolUpstream> pool_upstreams(const Configuration& configuration) {
  std::vector<PoolUpstream> found;
  std::size_t endpoints = 0;
  for (std::size_t i = 0; i < configuration.upstreams.size(); ++i) {
    std::size_t workers = 0;
    for (std::size_t p = 0; p < configuration.pools.size(); ++p) {
      const Pool& pool = configuration.pools[p];
      if (pool.name == configuration.upstreams[i].pool) {
        endpoints += pool.workers;
        found.push_back({i, p, workers, endpoints});
      }
      workers += pool.workers;
    }
  }
  return found;
}

}  // namespace roundhouse::config
