#include "monitor/configuration_api.h"

#include <cstdint>
#include <map>
#include <string>

#include "base/signature.h"
#include "config/comparable.h"
#include "config/explain.h"

namespace roundhouse::monitor {

Json configuration_of(const config::Configuration& configuration,
                      const metrics::Snapshot& snapshot) {
  std::map<std::string, std::uint32_t> wanted;
  for (const metrics::PoolValues& pool : snapshot.pools) wanted[pool.layout.name] = pool.wanted;
  return {{"origin", snapshot.configuration_source},
          {"number", snapshot.configuration},
          {"text", config::explain_in_force(configuration)},
          {"comparable",
           config::to_json(config::comparable(configuration, new_signature_key(), wanted))}};
}

}  // namespace roundhouse::monitor
