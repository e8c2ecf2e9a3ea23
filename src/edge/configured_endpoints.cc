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

namespace {

bool finds_alike(const config::Upstream& one, const config::Upstream& other) {
  return one.dns == other.dns && one.srv == other.srv && one.pool == other.pool;
}

// What of the rows before is of upstreams that there still are; servers leave, until they are
// configured again.
void keep_rows(ipc::EndpointTable& table, const config::Configuration& configuration,
               const config::Configuration& previous) {
  for (ipc::EndpointRow& row : table.rows) {
    if (row.used == 0) continue;
    const bool stays =
        row.upstream < configuration.upstreams.size() && row.upstream < previous.upstreams.size() &&
        !config::is_vacant(configuration.upstreams[row.upstream]) &&
        finds_alike(configuration.upstreams[row.upstream], previous.upstreams[row.upstream]);
    if (!stays) {
      row = {};
    } else if (row.configured != 0) {
      row.configured = row.in_use = 0;
    }
  }
}

}  // namespace

Result<ipc::EndpointBoard> create_endpoint_board(const config::Configuration& configuration,
                                                 const ipc::EndpointBoard& before,
                                                 const config::Configuration& previous) {
  if (configuration.upstreams.empty()) return ipc::EndpointBoard();
  auto board = TRY(ipc::EndpointBoard::create());
  const auto table = std::make_unique<ipc::EndpointTable>();
  if (before && before.read(*table) != 0) keep_rows(*table, configuration, previous);
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

void carry_endpoint_counts(const ipc::EndpointBoard& before, const ipc::EndpointBoard& now) {
  const auto old_table = std::make_unique<ipc::EndpointTable>();
  const auto table = std::make_unique<ipc::EndpointTable>();
  if (before.read(*old_table) == 0 || now.read(*table) == 0) return;
  for (std::size_t i = 0; i < ipc::kMaxEndpoints; ++i) {
    const ipc::EndpointRow& was = old_table->rows[i];
    ipc::EndpointRow& is = table->rows[i];
    if (is.used == 0 || was.used == 0 || is.upstream != was.upstream || is.name() != was.name())
      continue;
    is.healthy = was.healthy;
    now.probes(i).well.store(before.probes(i).well.load());
    now.probes(i).failed.store(before.probes(i).failed.load());
  }
  for (std::size_t upstream = 0; upstream < ipc::kMaxUpstreams; ++upstream) {
    for (std::size_t k = 0; k < ipc::kResolutions; ++k) {
      const auto resolution = static_cast<ipc::Resolution>(k);
      now.resolutions(upstream, resolution).store(before.resolutions(upstream, resolution).load());
    }
  }
  now.publish(*table);
}

}  // namespace roundhouse::edge
