#include "upstream/pool_watch.h"

#include <string>
#include <utility>

#include "ipc/private_address.h"

namespace roundhouse::upstream {

PoolWatch::PoolWatch(const config::Configuration& configuration, ipc::Board board)
    : configuration_(configuration), board_(std::move(board)) {
  if (board_.workers() != 0) upstreams_ = config::pool_upstreams(configuration);
}

bool PoolWatch::changed() {
  if (upstreams_.empty()) return false;
  const std::uint64_t now = board_.header().changes.load(std::memory_order_acquire);
  return std::exchange(seen_, now) != now;
}

std::vector<EndpointSpec> PoolWatch::endpoints_of(const config::PoolUpstream& upstream) const {
  const config::Pool& pool = configuration_.pools[upstream.pool];
  std::vector<EndpointSpec> specs;
  for (std::uint32_t place = 0; place < pool.rows.count(); ++place) {
    if (!board_.is_used(pool.rows.first + place)) continue;
    const ipc::WorkerRow& row = board_.worker(pool.rows.first + place);
    if (row.state.load(std::memory_order_acquire) != ipc::WorkerState::kReady) continue;
    if (row.shut.load(std::memory_order_acquire) != 0) continue;
    specs.push_back({.address = ipc::private_address(board_.header(), row, pool.name, place + 1),
                     .name = pool.name + "/" + std::to_string(pool.rows.id_of(place)),
                     .row = static_cast<std::uint32_t>(upstream.first_endpoint + place)});
  }
  return specs;
}

}  // namespace roundhouse::upstream
