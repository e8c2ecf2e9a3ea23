#include "config/worker_text.h"

#include <algorithm>

#include "config/effective.h"
#include "config/rows.h"

namespace roundhouse::config {

namespace {

// What keeps its name keeps its rows, so these say nothing; and the order of what is known by name
// is theirs.
void forget_rows(Configuration& configuration) {
  const auto sort_named = [](auto& all) {
    std::erase_if(all, [](const auto& one) { return is_vacant(one); });
    std::ranges::sort(all, {}, [](const auto& one) { return one.name; });
  };
  sort_named(configuration.listeners);
  sort_named(configuration.upstreams);
  for (Route& route : configuration.routes) route.row = 0;
  for (Upstream& upstream : configuration.upstreams) upstream.first_endpoint = 0;
}

}  // namespace

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
  read.secrets.clear();
  read.settled.clear();
  forget_rows(read);
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
