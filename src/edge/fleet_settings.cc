// What the pools of a fleet are given: sockets, folders, limits.
#include <algorithm>
#include <cstdio>
#include <utility>

#include "config/checks.h"
#include "config/pool_endpoints.h"
#include "edge/fleet.h"
#include "edge/private_sockets.h"

namespace roundhouse::edge {
namespace {

// What the workers of the pool accept from by themselves, and what a Node program can ask for.
void add_listener(const config::Listener& listener, std::uint32_t index,
                  const std::vector<Acceptor::SocketView>& views, const config::Pool& pool,
                  PoolSetting& setting) {
  const bool foreign = config::is_foreign(pool.type);
  const auto give = [&](std::vector<ipc::InheritedListener>& sockets_of, int fd) {
    sockets_of.push_back({index, fd});
    if (foreign) set_blocking(fd);  // as systemd gives them; nobody here accepts from them
  };
  for (const Acceptor::SocketView& view : views) {
    if (!view.worker && pool.policy == config::Policy::kNone) give(setting.sockets, view.fd);
    for (std::size_t place = 0; place < setting.own_sockets.size(); ++place) {
      const bool is_its_own = view.worker && *view.worker + 1 == pool.rows.id_of(place);
      if (is_its_own || (foreign && !view.worker)) give(setting.own_sockets[place], view.fd);
    }
    if (view.worker.value_or(0) == 0)
      setting.socket_names += (setting.socket_names.empty() ? "" : ":") + listener.name;
  }
  if (pool.type != config::PoolType::kNode) return;
  setting.served.push_back({.index = index,
                            .name = listener.name,
                            .address = views.front().address,
                            .fd = views.front().fd,
                            .backlog = static_cast<int>(listener.backlog)});
}

// What the clients of proxies connect to, if that is one address; else none.
Address front_of(const config::Configuration& configuration,
                 const std::vector<std::vector<Acceptor::SocketView>>& views) {
  Address front;
  for (std::size_t i = 0; i < views.size(); ++i) {
    const config::Pool* const pool = configuration.find_pool(configuration.listeners[i].pool);
    if (pool == nullptr || pool->type != config::PoolType::kProxy) continue;
    if (front.family() != AF_UNSPEC) return {};
    front = views[i].front().address;
  }
  return front;
}

std::optional<ipc::Limits::Shape> shape_of_limits(const config::Configuration& configuration,
                                                  const config::Pool& pool) {
  const config::SharedLimits shared = configuration.shared_limits(pool);
  if (!shared.any()) return std::nullopt;
  return ipc::Limits::Shape{.places = pool.rows.ids,
                            .worker_connections = pool.worker_connections,
                            .by_address = shared.addresses};
}

int tls_of(const Fleet::InForce& in_force, const std::string& pool) {
  const auto found = in_force.tls.find(pool);
  return found == in_force.tls.end() ? -1 : found->second.get();
}

}  // namespace

Result<PoolSetting> Fleet::setting_for(const std::shared_ptr<InForce>& in_force, std::size_t index,
                                       const Views& views) {
  const config::Configuration& configuration = in_force->configuration;
  const config::Pool& options = configuration.pools[index];
  PoolSetting setting{
      .board = &board_,
      .is_only_pool = configuration.pools.size() == 1,
      .configuration_fd = in_force->text.get(),
      .endpoints_fd = in_force->endpoints_for_workers.get(),
      .keeps = in_force,
      .identity = TRY(identity_of(options.user.empty() ? configuration.user : options.user)),
      .access_log = options.command.empty() ? in_force->access_log.get() : -1,
      .tls = tls_of(*in_force, options.name),
      .limits = shape_of_limits(configuration, options),
      .output = output_.get()};
  if (setting.tls >= 0) setting.tls_number = in_force->tls_number;
  setting.own_sockets.resize(options.rows.count());
  const std::vector<config::PoolUpstream> upstreams = config::pool_upstreams(configuration);
  setting.reads_board = options.type == config::PoolType::kProxy && !upstreams.empty();
  std::vector<std::size_t> first_endpoints;
  for (const config::PoolUpstream& upstream : upstreams) {
    if (upstream.pool == index) first_endpoints.push_back(upstream.first_endpoint);
  }
  setting.proxied = !first_endpoints.empty();
  setting.requests_in_flight = [this, first_endpoints](std::size_t place) {
    return requests_at(first_endpoints, place);
  };
  const bool is_node = options.type == config::PoolType::kNode;
  if (config::is_foreign(options.type) || (is_node && setting.proxied))
    TRY_VOID(make_folder_for(configuration, options, setting));
  for (std::size_t i = 0; i < views.size(); ++i) {
    const config::Listener& listener = configuration.listeners[i];
    if (listener.pool == options.name && !views[i].empty())
      add_listener(listener, static_cast<std::uint32_t>(i), views[i], options, setting);
  }
  if (is_node && setting.proxied)
    setting.served.push_back({.index = kOwnDoor,
                              .name = std::string(config::kPrivateSockets),
                              .address = front_of(configuration, views)});
  return setting;
}

// By all proxies together, at one worker of a pool.
std::uint32_t Fleet::requests_at(const std::vector<std::size_t>& first_endpoints,
                                 std::size_t place) const {
  std::uint32_t all = 0;
  for (const std::size_t first : first_endpoints) {
    for (const auto* pools : {&pools_, &leaving_}) {
      for (const auto& proxies : *pools) {
        if (proxies->options().type == config::PoolType::kProxy)
          all += proxies->requests_at(first + place);
      }
    }
  }
  return all;
}

Result<void> Fleet::make_folder_for(const config::Configuration& configuration,
                                    const config::Pool& pool, PoolSetting& setting) {
  const Identity* guest = nullptr;
  const auto proxies =
      std::ranges::find(configuration.pools, config::PoolType::kProxy, &config::Pool::type);
  if (setting.proxied && proxies != configuration.pools.end())
    guest = TRY(identity_of(proxies->user.empty() ? configuration.user : proxies->user));
  setting.folder = TRY(private_sockets_.add_pool(pool.name, setting.identity, guest));
  ipc::BoardHeader& header = board_.header();
  std::snprintf(header.sockets, sizeof header.sockets, "%s", private_sockets_.folder().c_str());
  return {};
}

}  // namespace roundhouse::edge
