#include "monitor/configuration_api.h"

#include <cstdint>
#include <map>
#include <string>

#include "base/signature.h"
#include "config/comparable.h"
#include "config/explain.h"

namespace roundhouse::monitor {

Json configuration_of(const config::Configuration& configuration, const metrics::Snapshot& snapshot,
                      Viewer viewer) {
  Json told{{"number", snapshot.configuration}, {"text", config::explain_in_force(configuration)}};
  if (viewer != Viewer::kOperator) return told;
  std::map<std::string, std::uint32_t> wanted;
  for (const metrics::PoolValues& pool : snapshot.pools) wanted[pool.layout.name] = pool.wanted;
  told["origin"] = snapshot.configuration_source;
  told["comparable"] =
      config::to_json(config::comparable(configuration, new_signature_key(), wanted));
  return told;
}

}  // namespace roundhouse::monitor
