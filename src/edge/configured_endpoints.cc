#include "edge/configured_endpoints.h"

#include <cstdint>
#include <memory>
#include <string>

#include "base/address.h"
#include "config/checks.h"
#include "config/pool_endpoints.h"
#include "config/rows.h"

namespace roundhouse::edge {

static_assert(config::kEndpointRows == ipc::kMaxEndpoints);
static_assert(config::kMaxRoutes < ipc::kMaxRoutes);

Result<ipc::EndpointBoard> create_endpoint_board(const config::Configuration& configuration) {
  if (configuration.upstreams.empty()) return ipc::EndpointBoard();
  auto board = TRY(ipc::EndpointBoard::create());
  const auto table = std::make_unique<ipc::EndpointTable>();
  for (const config::PoolUpstream& upstream : config::pool_upstreams(configuration)) {
    const config::Pool& pool = configuration.pools[upstream.pool];
    for (std::size_t place = 0; place < pool.rows.count(); ++place)
      table->reserve(upstream.first_endpoint + place, static_cast<std::uint32_t>(upstream.upstream),
                     pool.name + "/" + std::to_string(pool.rows.id_of(place)));
  }
  for (std::uint32_t i = 0; i < configuration.upstreams.size(); ++i) {
    for (const config::Server& server : configuration.upstreams[i].servers) {
      const Address address = TRY(Address::parse(server.address));
      if (!table->configure(i, {address, server.address, server.weight}))
        return fail("there are more servers than endpoints can be", ExitCode::kConfiguration);
    }
  }
  board.publish(*table);
  return board;
}

}  // namespace roundhouse::edge
