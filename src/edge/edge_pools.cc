// How the edge makes its pools, and the acceptors that feed them.
#include <sys/socket.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "config/checks.h"
#include "config/pool_endpoints.h"
#include "edge/edge.h"
#include "edge/private_sockets.h"
#include "ipc/private_address.h"
#include "net/listener.h"

namespace roundhouse::edge {
namespace {

std::string joined_addresses(const Acceptor::Sockets& sockets) {
  std::string text;
  const auto add = [&](const ListeningSocket& socket) {
    text += (text.empty() ? "" : ", ") + socket.address.to_string();
  };
  for (const ListeningSocket& socket : sockets.own) add(socket);
  for (const ReuseportGroup& group : sockets.groups) add(group.sockets.front());
  return text;
}

Result<Acceptor::Sockets> bind_sockets(const config::Listener& listener, const config::Pool& pool) {
  Acceptor::Sockets bound;
  const ListenOptions options{.backlog = static_cast<int>(listener.backlog),
                              .defer = listener.defer_accept};
  for (const Address& address : listener.bind) {
    if (pool.policy == config::Policy::kRrKernel && !address.is_unix())
      bound.groups.push_back(TRY(listen_in_rotation(address, options, pool.workers)));
    else
      bound.own.push_back(TRY(listen_on(address, options)));
  }
  return bound;
}

// What the workers of the pool accept from by themselves, and what a Node program can ask for.
void add_listener(const config::Listener& listener, std::uint32_t index,
                  const Acceptor::Sockets& sockets, const config::Pool& pool,
                  Pool::Setting& setting) {
  const bool foreign = config::is_foreign(pool.type);
  const auto give = [&](std::vector<ipc::InheritedListener>& sockets_of, int fd) {
    sockets_of.push_back({index, fd});
    if (foreign) set_blocking(fd);  // as systemd gives them; nobody here accepts from them
  };
  for (const ListeningSocket& socket : sockets.own) {
    if (pool.policy == config::Policy::kNone) give(setting.sockets, socket.fd.get());
    for (std::size_t place = 0; foreign && place < pool.workers; ++place)
      give(setting.own_sockets[place], socket.fd.get());
  }
  for (const ReuseportGroup& group : sockets.groups) {
    for (std::size_t place = 0; place < group.sockets.size(); ++place)
      give(setting.own_sockets[place], group.sockets[place].fd.get());
  }
  for (std::size_t i = 0; i < sockets.own.size() + sockets.groups.size(); ++i)
    setting.socket_names += (setting.socket_names.empty() ? "" : ":") + listener.name;
  if (pool.type != config::PoolType::kNode) return;
  const ListeningSocket& first = sockets.first();
  setting.served.push_back({.index = index,
                            .name = listener.name,
                            .address = first.address,
                            .fd = first.fd.get(),
                            .backlog = static_cast<int>(listener.backlog)});
}

// What the clients of proxies connect to, if that is one address; else none.
Address front_of(const config::Configuration& configuration,
                 const std::vector<Acceptor::Sockets>& sockets) {
  Address front;
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    const config::Pool* const pool = configuration.find_pool(configuration.listeners[i].pool);
    if (pool == nullptr || pool->type != config::PoolType::kProxy) continue;
    if (front.family() != AF_UNSPEC) return {};
    front = sockets[i].first().address;
  }
  return front;
}

std::optional<ipc::Limits::Shape> shape_of_limits(const config::Configuration& configuration,
                                                  const config::Pool& pool) {
  const config::SharedLimits shared = configuration.shared_limits(pool);
  if (!shared.any()) return std::nullopt;
  return ipc::Limits::Shape{.places = pool.workers,
                            .worker_connections = pool.worker_connections,
                            .by_address = shared.addresses};
}

}  // namespace

Result<const Identity*> Edge::identity_of(const std::string& user) {
  if (::geteuid() != 0) return nullptr;
  for (const auto& known : identities_) {
    if (known->name == user) return known.get();
  }
  identities_.push_back(std::make_unique<Identity>(TRY(find_identity(user))));
  return identities_.back().get();
}

Result<void> Edge::create_pools() {
  const config::Configuration& configuration = setting_.configuration;
  std::vector<Acceptor::Sockets> sockets;
  sockets.reserve(configuration.listeners.size());
  for (const config::Listener& listener : configuration.listeners)
    sockets.push_back(TRY(bind_sockets(listener, *configuration.find_pool(listener.pool))));
  std::size_t first_row = 0;
  for (std::size_t i = 0; i < configuration.pools.size(); ++i) {
    const config::Pool& options = configuration.pools[i];
    Pool::Setting setting = TRY(setting_for(i, first_row, sockets));
    const std::string name = options.name;
    Pool::Signals signals{.room = [this, name] { resume_acceptors(name); },
                          .failed =
                              [this, name] {
                                failure_ = Error{
                                    "every worker of pool " + name + " failed at its first start",
                                    ExitCode::kFailure};
                                // Not now: run() may be starting the others still.
                                loop_->defer([this] { kill_everything(); });
                              },
                          .turns = [this, name] { tell_turns(name); }};
    const bool has_own_doors = options.type == config::PoolType::kNode && setting.proxied;
    pools_.push_back(TRY(Pool::create(*loop_, options, std::move(setting), std::move(signals))));
    if (has_own_doors) TRY_VOID(create_own_doors(*pools_.back(), first_row));
    first_row += options.workers;
  }
  return create_acceptors(std::move(sockets));
}

Result<Pool::Setting> Edge::setting_for(std::size_t pool, std::size_t first_row,
                                        const std::vector<Acceptor::Sockets>& sockets) {
  const config::Configuration& configuration = setting_.configuration;
  const config::Pool& options = configuration.pools[pool];
  Pool::Setting setting{
      .board = &board_,
      .first_row = first_row,
      .is_only_pool = configuration.pools.size() == 1,
      .listeners = configuration.listeners.size(),
      .configuration_fd = configuration_fd_.get(),
      .endpoints_fd = endpoints_for_workers_.get(),
      .identity = TRY(identity_of(options.user.empty() ? configuration.user : options.user)),
      .access_log = access_log_.get(),
      .limits = shape_of_limits(configuration, options),
      .output = output_.get()};
  setting.own_sockets.resize(options.workers);
  const std::vector<config::PoolUpstream> upstreams = config::pool_upstreams(configuration);
  setting.reads_board = options.type == config::PoolType::kProxy && !upstreams.empty();
  std::vector<std::size_t> first_endpoints;
  for (const config::PoolUpstream& upstream : upstreams) {
    if (upstream.pool == pool) first_endpoints.push_back(upstream.first_endpoint);
  }
  setting.proxied = !first_endpoints.empty();
  setting.requests_in_flight = [this, first_endpoints](std::size_t place) {
    return requests_at(first_endpoints, place);
  };
  const bool is_node = options.type == config::PoolType::kNode;
  if (config::is_foreign(options.type) || (is_node && setting.proxied))
    TRY_VOID(make_folder_for(options, setting));
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    const config::Listener& listener = configuration.listeners[i];
    if (listener.pool == options.name)
      add_listener(listener, static_cast<std::uint32_t>(i), sockets[i], options, setting);
  }
  if (is_node && setting.proxied)
    setting.served.push_back({.index = kOwnDoor,
                              .name = std::string(config::kPrivateSockets),
                              .address = front_of(configuration, sockets)});
  return setting;
}

// By all proxies together, at one worker of a pool.
std::uint32_t Edge::requests_at(const std::vector<std::size_t>& first_endpoints,
                                std::size_t place) const {
  std::uint32_t all = 0;
  for (const std::size_t first : first_endpoints) {
    for (const auto& proxies : pools_) {
      if (proxies->options().type == config::PoolType::kProxy)
        all += proxies->requests_at(first + place);
    }
  }
  return all;
}

Result<void> Edge::make_folder_for(const config::Pool& pool, Pool::Setting& setting) {
  const config::Configuration& configuration = setting_.configuration;
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

Result<void> Edge::create_acceptors(std::vector<Acceptor::Sockets> sockets) {
  const config::Configuration& configuration = setting_.configuration;
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    const config::Listener& listener = configuration.listeners[i];
    const auto pool = std::ranges::find_if(
        pools_, [&](const auto& p) { return p->options().name == listener.pool; });
    if (pool == pools_.end()) return fail("listener " + listener.name + " has no pool");
    ipc::ListenerRow& row = board_.listener(i);
    std::snprintf(row.addresses, sizeof row.addresses, "%s", joined_addresses(sockets[i]).c_str());
    acceptors_.push_back(std::make_unique<Acceptor>(*loop_, listener, static_cast<std::uint32_t>(i),
                                                    std::move(sockets[i]), **pool, row,
                                                    connections_));
  }
  return {};
}

// Of each worker one, in the order of the places.
Result<void> Edge::create_own_doors(Pool& pool, std::size_t first_row) {
  constexpr int kBacklog = 1024;
  config::Listener options;
  options.pool = pool.options().name;
  options.name = options.pool + ", private";
  options.max_connections = pool.options().worker_connections;
  for (std::size_t place = 0; place < pool.size(); ++place) {
    ipc::WorkerRow& row = board_.worker(first_row + place);
    Acceptor::Sockets sockets;
    if (pool.options().socket == config::PrivateSocket::kUnix) {
      const std::string path =
          ipc::private_path(board_.header(), options.pool, static_cast<std::uint32_t>(place + 1));
      sockets.own.push_back({.fd = TRY(bind_private(path, SOCK_STREAM | SOCK_NONBLOCK, kBacklog)),
                             .address = TRY(Address::parse("unix:" + path))});
    } else {
      sockets.own.push_back(TRY(listen_on(Address::loopback(0), {.backlog = kBacklog})));
      row.port.store(sockets.first().address.port());
    }
    own_doors_.push_back(std::make_unique<Acceptor>(*loop_, options, pool.own_door_of(place),
                                                    std::move(sockets), pool, own_doors_row_,
                                                    proxy_connections_));
  }
  return {};
}

}  // namespace roundhouse::edge
