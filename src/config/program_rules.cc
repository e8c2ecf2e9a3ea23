#include "config/program_rules.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <utility>

#include "config/program_probes.h"

namespace roundhouse::config {
namespace {

using From = Source::From;

void derive(Provenance& provenance, const std::string& key, std::string why) {
  provenance[key] = {From::kDerived, provenance[key].at, std::move(why), false};
}

void choose_type(Pool& pool, Provenance& provenance, const FileLookup& files, Problems& problems) {
  const std::string key = "pools." + pool.name;
  const auto in_its_folder = [&](const std::string& path) {
    return files ? files((std::filesystem::path(pool.cwd) / path).string()) : std::nullopt;
  };
  auto choice = choose_program(pool.command, in_its_folder);
  if (!choice) {
    const Source& source = provenance[key + ".command"];
    problems.push_back({source.at, key + ".command",
                        source.secret ? "*** cannot be used" : std::move(choice.error())});
    if (pool.type == PoolType::kAuto) pool.type = PoolType::kPort;
    return;
  }
  if (pool.type == PoolType::kAuto) {
    pool.type = choice->type;
    derive(provenance, key + ".type", "auto: " + choice->why);
  }
  Words command = std::move(choice->program);
  if (pool.type == choice->type)
    command.insert(command.end(), choice->arguments.begin(), choice->arguments.end());
  if (command == pool.command) return;
  pool.command = std::move(command);
  Source& source = provenance[key + ".command"];
  source = {From::kDerived, source.at,
            "what was written, as type " + std::string(to_string(pool.type)) + " needs it",
            source.secret};
}

// One of proxies that is there, or a new one.
std::string gateway_for(const Listener& listener, Configuration& configuration,
                        Provenance& provenance) {
  const auto proxy = std::ranges::find(configuration.pools, PoolType::kProxy, &Pool::type);
  if (proxy != configuration.pools.end()) return proxy->name;
  std::string name = "gateway";
  for (int n = 2; configuration.find_pool(name) != nullptr; ++n)
    name = "gateway-" + std::to_string(n);
  Pool pool;
  pool.name = name;
  pool.type = PoolType::kProxy;
  configuration.pools.push_back(std::move(pool));
  derive(provenance, "pools." + name, "it stands before pool " + listener.pool);
  derive(provenance, "pools." + name + ".type", "it forwards to pool " + listener.pool);
  return name;
}

std::string upstream_for(const std::string& pool, Configuration& configuration,
                         Provenance& provenance) {
  const auto there = std::ranges::find(configuration.upstreams, pool, &Upstream::pool);
  if (there != configuration.upstreams.end()) return there->name;
  Upstream upstream;
  upstream.name = pool;
  for (int n = 2; configuration.find_upstream(upstream.name) != nullptr; ++n)
    upstream.name = pool.substr(0, 29) + "-" + std::to_string(n);
  upstream.pool = pool;
  const std::string key = "upstreams." + upstream.name;
  derive(provenance, key, "pool " + pool + " is served by proxies");
  derive(provenance, key + ".pool", "the workers of that pool");
  configuration.upstreams.push_back(std::move(upstream));
  return configuration.upstreams.back().name;
}

}  // namespace

void choose_types(Configuration& configuration, Provenance& provenance, const FileLookup& files,
                  Problems& problems) {
  for (Pool& pool : configuration.pools) {
    const std::string key = "pools." + pool.name;
    if (!provenance.contains(key + ".command")) continue;  // where one is needed the checks say so
    if (!provenance.contains(key + ".type")) {
      pool.type = PoolType::kAuto;
      derive(provenance, key + ".type", "it has a command");
    }
    if (pool.command.empty()) continue;  // it was refused
    if (pool.type == PoolType::kAuto || pool.type == PoolType::kNode ||
        pool.type == PoolType::kListenFds)
      choose_type(pool, provenance, files, problems);
  }
}

std::string http_key_of(const Listener& listener, const Provenance& provenance) {
  const std::string section = "listeners." + listener.name + ".";
  for (const char* key :
       {"timeouts.", "limits.", "tls.", "connections_per_address", "http2", "proxy_protocol"}) {
    for (auto found = provenance.lower_bound(section + key);
         found != provenance.end() && found->first.starts_with(section + key); ++found)
      if (found->second.from == From::kFile) return found->first.substr(section.size());
  }
  return "";
}

void put_proxies_in_front(Configuration& configuration, Provenance& provenance) {
  std::vector<Route> routes;
  for (Listener& listener : configuration.listeners) {
    const Pool* const pool = configuration.find_pool(listener.pool);
    if (pool == nullptr || !is_program(pool->type)) continue;
    const std::string key = "listeners." + listener.name;
    if (listener.via == Via::kAuto) {
      const std::string http = http_key_of(listener, provenance);
      const bool proxied =
          pool->type == PoolType::kPort || (can_be_proxied(pool->type) && !http.empty());
      listener.via = proxied ? Via::kProxy : Via::kDirect;
      derive(provenance, key + ".via",
             pool->type == PoolType::kPort ? "the pool is of type port"
             : proxied                     ? http + " is set"
                                           : "nothing asks for a proxy");
    }
    if (listener.via != Via::kProxy || !can_be_proxied(pool->type)) continue;
    const std::string upstream = upstream_for(pool->name, configuration, provenance);
    const std::string gateway = gateway_for(listener, configuration, provenance);
    derive(provenance, key + ".pool", "it stands before pool " + listener.pool);
    for (Pool& behind : configuration.pools) {
      if (behind.name != listener.pool) continue;
      for (Variable& listen : behind.listen) {
        if (listen.value == listener.name) listen.value = kPrivateSockets;
      }
    }
    listener.pool = gateway;
    if (listener.protocol == Protocol::kTcp) {
      if (listener.upstream.empty()) listener.upstream = upstream;
      derive(provenance, key + ".upstream", "it leads to the pool");
      continue;
    }
    Route& route = routes.emplace_back();
    route.listener = listener.name;
    route.upstream = upstream;
  }
  // Where everything goes to the only upstream anyway none is needed.
  if (configuration.routes.empty() && configuration.upstreams.size() == 1) return;
  for (Route& route : routes) {
    const std::string key = "routes." + std::to_string(configuration.routes.size() + 1);
    derive(provenance, key, "listener " + route.listener + " names the pool");
    derive(provenance, key + ".listener", "it names the pool");
    derive(provenance, key + ".upstream", "the pool that the listener names");
    configuration.routes.push_back(std::move(route));
  }
}

bool can_do(PoolType type, Policy policy) {
  switch (type) {
    case PoolType::kListenFds:
      return policy == Policy::kNone || policy == Policy::kRrKernel;
    case PoolType::kPort:
      return false;  // it is given none
    case PoolType::kHello:
    case PoolType::kProxy:
    case PoolType::kNative:
    case PoolType::kAuto:
    case PoolType::kNode:
      return true;
  }
  return true;
}

void derive_program_values(Pool& pool, Provenance& provenance) {
  const std::string key = "pools." + pool.name;
  if (is_foreign(pool.type)) derive_probes(pool, provenance);
  if (is_foreign(pool.type) && !provenance.contains(key + ".policy")) {
    pool.policy = Policy::kNone;
    if (pool.type == PoolType::kListenFds)
      derive(provenance, key + ".policy", "its workers accept for themselves");
  }
  if (can_be_proxied(pool.type) && pool.socket == PrivateSocket::kAuto) {
    pool.socket = pool.type == PoolType::kPort ? PrivateSocket::kTcp : PrivateSocket::kUnix;
    derive(provenance, key + ".socket", "auto, by its type");
  }
  if (is_foreign(pool.type) && pool.ready.by == ReadyBy::kAuto && pool.type == PoolType::kPort) {
    pool.ready.by = ReadyBy::kConnect;
    derive(provenance, key + ".ready.by", "auto, by its type");
  }
}

namespace {

void check_foreign(const Pool& pool, Report& report) {
  const std::string key = "pools." + pool.name;
  if (pool.type == PoolType::kListenFds && !can_do(pool.type, pool.policy) &&
      !report.is_refused(key + ".policy")) {
    report.add(key + ".policy", std::string(to_string(pool.policy)) +
                                    " cannot be done by workers of type listen_fds, which accept "
                                    "for themselves; expected none, rr_kernel, or `via: proxy` at "
                                    "the listener");
  }
  if (pool.type == PoolType::kListenFds && pool.ready.by == ReadyBy::kConnect)
    report.add(
        key + ".ready.by",
        "connect says nothing of a program whose socket we hold; expected notify, http or settle");
}

void check_node(const Configuration& configuration, const Pool& pool, Report& report) {
  const std::string key = "pools." + pool.name;
  const bool is_least = pool.policy == Policy::kLeast;
  if (is_least)
    report.add(report.is_set(key + ".policy") ? key + ".policy" : key,
               "least is not for workers of type node, which do not tell how many connections they "
               "hold; expected rr, sticky, rr_kernel or none");
  const std::string_view program = pool.command.empty() ? "" : base_name(pool.command.front());
  if (program == "bun" || program == "deno")
    report.add(key + ".type", "node is spoken by Node alone, not by " + std::string(program) +
                                  "; expected type: port, or no such key");
  const bool is_direct = std::ranges::find(configuration.listeners, pool.name, &Listener::pool) !=
                         configuration.listeners.end();
  if (!is_direct && report.is_set(key + ".policy") && pool.policy != Policy::kRr && !is_least)
    report.add(
        key + ".policy",
        std::string(to_string(pool.policy)) +
            " is about connections that a listener gives to the pool, and this one gets requests "
            "from proxies; expected `balance` or `sticky` of the upstream");
  if (std::ranges::count(pool.listen, kPrivateSockets, &Variable::value) > 1)
    report.add(
        key + ".listen",
        "leads several ports to the private sockets, of which each worker has one; expected one "
        "port that proxies forward to");
  const bool is_proxied = std::ranges::find(configuration.upstreams, pool.name, &Upstream::pool) !=
                          configuration.upstreams.end();
  for (const Variable& listen : pool.listen) {
    if (listen.value == kPrivateSockets && is_proxied) continue;
    const auto listener = std::ranges::find(configuration.listeners, listen.value, &Listener::name);
    if (listener != configuration.listeners.end() && listener->pool == pool.name) continue;
    report.add(key + ".listen", "there is no listener '" +
                                    report.shown(key + ".listen", listen.value) +
                                    "' of this pool; expected one with `pool: " + pool.name + "`");
  }
  for (const Listener& listener : configuration.listeners) {
    const bool by_itself = pool.policy == Policy::kNone || pool.policy == Policy::kRrKernel;
    if (listener.pool == pool.name && by_itself && listener.bind.size() > 1)
      report.add("listeners." + listener.name + ".bind",
                 "has several addresses, and a Node program under policy " +
                     std::string(to_string(pool.policy)) +
                     " accepts from one socket; expected one address, or policy rr");
  }
}

}  // namespace

void check_program(const Configuration& configuration, const Pool& pool, Report& report) {
  if (is_foreign(pool.type)) check_foreign(pool, report);
  if (pool.type == PoolType::kNode && !report.is_refused("pools." + pool.name + ".type"))
    check_node(configuration, pool, report);
}

void check_via(const Configuration& configuration, const Listener& listener,
               const Provenance& provenance, Report& report) {
  const std::string key = "listeners." + listener.name;
  const Pool* const pool = configuration.find_pool(listener.pool);
  if (pool == nullptr || !report.is_set(key + ".via") || report.is_refused(key + ".via")) return;
  if (listener.via == Via::kProxy && pool->type != PoolType::kProxy)
    report.add(key + ".via", "proxy is for programs with a socket of their own, and pool " +
                                 pool->name + " is of type " + std::string(to_string(pool->type)) +
                                 "; expected direct, or no such key");
  if (listener.via != Via::kDirect) return;
  if (pool->type == PoolType::kPort)
    report.add(key + ".via", "a program of type port gets no connections of ours; expected proxy");
  const std::string http = http_key_of(listener, provenance);
  if (!http.empty() && can_be_proxied(pool->type))
    report.add(key + ".via", "direct, and " + http +
                                 " is set, which the program knows nothing of; expected proxy, or "
                                 "no such keys");
}

void check_upstream_pool(const Configuration& configuration, const Upstream& upstream,
                         Report& report) {
  const std::string key = "upstreams." + upstream.name + ".pool";
  if (upstream.pool.empty() || report.is_refused(key)) return;
  const Pool* const pool = configuration.find_pool(upstream.pool);
  std::string names;
  for (const Pool& one : configuration.pools) {
    if (can_be_proxied(one.type)) names += (names.empty() ? "" : ", ") + one.name;
  }
  if (pool == nullptr) {
    report.add(key, "there is no pool '" + report.shown(key, upstream.pool) + "'" +
                        (names.empty() ? "" : "; expected one of " + names));
  } else if (!can_be_proxied(pool->type)) {
    report.add(key, "pool " + pool->name + " is of type " + std::string(to_string(pool->type)) +
                        ", whose workers have no socket of their own; expected a pool of programs "
                        "of type node, listen_fds or port");
  }
  const std::pair<const char*, bool> others[] = {
      {"servers", !upstream.servers.empty()},
      {"dns", !upstream.dns.empty()},
      {"srv", !upstream.srv.empty()},
      {"health.probe", upstream.health.probe != Probe::kOff}};
  for (const auto& [other, there] : others) {
    if (there)
      report.add("upstreams." + upstream.name + "." + other,
                 "stands beside `pool`, whose workers are the endpoints and are watched as "
                 "workers; expected no such key");
  }
}

void doubt_commands(const Configuration& configuration, Report& report) {
  for (const Pool& pool : configuration.pools) {
    if (pool.command.empty()) continue;
    const std::string_view program = pool.command.front();
    const std::string_view name = program.substr(program.rfind('/') + 1);
    if (name.ends_with("sh")) continue;  // it reads them itself
    for (const char* variable : {"$PORT", "$SOCKET"}) {
      const auto holds = [&](const std::string& word) { return word.contains(variable); };
      if (std::ranges::none_of(pool.command, holds)) continue;
      report.add("pools." + pool.name + ".command",
                 std::string(variable) +
                     " stays as it is, since no shell reads the command; expected " +
                     "[/bin/sh, -c, 'exec PROGRAM " + variable +
                     "'], or a program that reads the variable itself");
    }
  }
}

}  // namespace roundhouse::config
