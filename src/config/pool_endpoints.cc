#include "config/pool_endpoints.h"

namespace roundhouse::config {

std::vector<PoolUpstream> pool_upstreams(const Configuration& configuration) {
  std::vector<PoolUpstream> found;
  for (std::size_t i = 0; i < configuration.upstreams.size(); ++i) {
    for (std::size_t p = 0; p < configuration.pools.size(); ++p) {
      if (configuration.pools[p].name == configuration.upstreams[i].pool)
        found.push_back({i, p, configuration.upstreams[i].first_endpoint});
    }
  }
  return found;
}

}  // namespace roundhouse::config
