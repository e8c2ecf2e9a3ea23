#include "config/worker_text.h"

#include <algorithm>

#include "config/effective.h"

namespace roundhouse::config {

bool reads_configuration(const Pool& pool) {
  return pool.command.empty() || pool.type == PoolType::kNative;
}

Duration drain_time(const Pool& pool) {
  const Pool::Timeouts& timeouts = pool.timeouts;
  return pool.command.empty() ? std::max(timeouts.drain, timeouts.drain_tunnels) : timeouts.drain;
}

std::string worker_text(const Configuration& configuration, const Pool& pool) {
  Configuration read = configuration;
  read.pools = {pool};
  read.pools.front().workers = 0;
  read.pools.front().surge = {};
  read.pools.front().rows = {};
  read.shutdown = {};
  read.monitor = {};
  const auto leads_elsewhere = [&](const Listener& one) { return one.pool != pool.name; };
  if (pool.type != PoolType::kProxy) {
    const bool proxied =
        std::ranges::find(read.upstreams, pool.name, &Upstream::pool) != read.upstreams.end();
    read.upstreams.clear();
    read.routes.clear();
    if (proxied) read.upstreams.emplace_back().pool = pool.name;
    std::erase_if(read.listeners, leads_elsewhere);
  }
  if (reads_configuration(pool)) return to_effective_text(read);
  Pool& own = read.pools.front();
  own.restart = {};
  own.recycle = {};
  own.timeouts = {};
  own.liveness = {};
  own.handoff = {};
  own.worker_connections = {};
  for (Listener& listener : read.listeners) {
    Listener bare;
    bare.name = listener.name;
    bare.bind = listener.bind;
    listener = bare;
  }
  read.log = {};
  read.trusted_proxies.clear();
  read.resolver = {};
  return to_effective_text(read);
}

}  // namespace roundhouse::config
