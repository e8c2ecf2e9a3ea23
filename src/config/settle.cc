#include "config/settle.h"

#include <algorithm>

#include "config/program_rules.h"

namespace roundhouse::config {

bool wants_kernel_rotation(const Configuration& configuration) {
  return std::ranges::find(configuration.pools, Policy::kRrKernel, &Pool::policy) !=
         configuration.pools.end();
}

void replace_kernel_rotation(Configuration& configuration) {
  for (Pool& pool : configuration.pools) {
    if (pool.policy != Policy::kRrKernel) continue;
    pool.policy = can_do(pool.type, Policy::kRr) ? Policy::kRr : Policy::kNone;
    configuration.settled.push_back("pools." + pool.name + ".policy");
  }
}

void hide_sticky_keys(Configuration& configuration) {
  const std::vector<std::string>& settled = configuration.settled;
  for (Upstream& upstream : configuration.upstreams) {
    const std::string key = "upstreams." + upstream.name + ".sticky.key";
    if (std::ranges::find(settled, key) != settled.end()) upstream.sticky.key = "auto";
  }
}

}  // namespace roundhouse::config
