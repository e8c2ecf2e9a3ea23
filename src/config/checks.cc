#include "config/checks.h"

#include <algorithm>
#include <string>
#include <utility>

#include "config/option_table.h"
#include "config/program_probes.h"
#include "config/program_rules.h"
#include "config/proxy_protocol_rules.h"
#include "config/report.h"
#include "config/route_checks.h"
#include "config/tls_rules.h"
#include "config/upstream_tls.h"
#include "config/values.h"

namespace roundhouse::config {
namespace {

// Both cannot be listened on at once: the same address, or the same port where one of them is every
// interface.
bool collide(const Address& a, const Address& b) {
  if (a.is_unix() || b.is_unix()) return a.to_string() == b.to_string();
  if (a.port() != b.port() || a.port() == 0) return false;
  if (a.is_any() && a.family() == AF_INET6) return true;  // takes IPv4 as well
  if (b.is_any() && b.family() == AF_INET6) return true;
  return a.family() == b.family() && (a.is_any() || b.is_any() || a.host() == b.host());
}

// Options that only Node programs have.
bool is_for_node(std::string_view key) { return key == "listen" || key == "liveness.unanswered"; }
// What only programs are asked that know nothing of us.
bool is_for_foreign(std::string_view key) {
  return key == "stop_signal" || key.starts_with("ready.");
}
// Of programs that proxies can forward to.
bool is_for_endpoints(std::string_view key) { return key == "socket" || is_of_probes(key); }

class Checker {
 public:
  Checker(const Configuration& configuration, const Provenance& provenance, Problems& problems)
      : configuration_(configuration), provenance_(provenance), report_(provenance, problems) {}

  void check();

 private:
  struct Bind {
    const Address& address;
    std::string key;
  };

  void check_counts();
  void check_binds();
  void check_listener(const Listener& listener);
  void check_pool(const Pool& pool);
  void check_type(const Pool& pool, const std::string& key);
  std::string misplaced(const Pool& pool, std::string_view option) const;
  void check_pools_are_used();
  void check_upstreams();
  void check_upstream(const Upstream& upstream, const std::string& key);
  void check_hash(const Upstream& upstream, const std::string& key);
  void check_protocol(const Listener& listener, const std::string& key);

  bool is_set(const std::string& key) const { return report_.is_set(key); }
  bool is_refused(const std::string& key) const { return report_.is_refused(key); }
  Position position_of(const std::string& key) const { return report_.position_of(key); }
  std::string shown(const std::string& key, const std::string& value) const {
    return report_.shown(key, value);
  }
  void report(const std::string& key, std::string what) { report_.add(key, std::move(what)); }
  template <typename T>
  void expect_order(const std::string& section, const char* smaller, T small_value,
                    const char* larger, T large_value) {
    const std::string small_key = joined(section, smaller);
    const std::string large_key = joined(section, larger);
    if (small_value <= large_value || is_refused(small_key) || is_refused(large_key)) return;
    report(is_set(small_key) ? small_key : large_key,
           std::string(smaller) + ", " + shown(small_key, text_of(small_value)) +
               ", is more than " + larger + ", " + shown(large_key, text_of(large_value)) +
               "; expected at most that");
  }
  static std::string text_of(Duration value) { return format_duration(value); }
  static std::string text_of(Bytes value) { return format_bytes(value); }

  const Configuration& configuration_;
  const Provenance& provenance_;
  Report report_;
};

void Checker::check() {
  check_counts();
  for (const Listener& listener : configuration_.listeners) check_listener(listener);
  for (const Pool& pool : configuration_.pools) check_pool(pool);
  check_binds();
  check_pools_are_used();
  check_upstreams();
  check_routes(configuration_, report_);
  if (configuration_.log.access.format == AccessFormat::kCombined && is_set("log.access.format") &&
      is_set("log.access.fields"))
    report("log.access.fields",
           "is for json and logfmt, and the format is combined; expected no such key");
  expect_order("shutdown", "delay", configuration_.shutdown.delay, "deadline",
               configuration_.shutdown.deadline);
}

void Checker::check_counts() {
  const auto too_many = [&](const char* key, std::size_t count, std::size_t most) {
    if (count == 0)
      report(key, "is empty; expected at least one, or leave the key out for the default");
    if (count > most)
      report(key,
             "has " + std::to_string(count) + " entries; expected at most " + std::to_string(most));
  };
  too_many("listeners", configuration_.listeners.size(), kMaxListeners);
  too_many("pools", configuration_.pools.size(), kMaxPools);
  std::uint64_t workers = 0;
  for (const Pool& pool : configuration_.pools) workers += pool.workers;
  if (workers > kMaxWorkers) {
    report("pools", "have " + std::to_string(workers) + " workers in all; expected at most " +
                        std::to_string(kMaxWorkers));
  }
}

void Checker::check_binds() {
  std::vector<Bind> binds;
  const auto add = [&](const Address& address, const std::string& key) {
    for (const Bind& other : binds) {
      if (!collide(address, other.address)) continue;
      const bool is_later =
          position_of(key) >= position_of(other.key);  // where neither is written: no position
      const Bind& wrong = is_later ? Bind{address, key} : other;
      const Bind& first = is_later ? other : Bind{address, key};
      report(wrong.key, shown(wrong.key, wrong.address.to_string()) +
                            " is the same as or overlaps " +
                            shown(first.key, first.address.to_string()) + " of " + first.key +
                            "; expected an address of its own");
      break;
    }
    binds.push_back({address, key});
  };
  for (const Listener& listener : configuration_.listeners) {
    const std::string key = "listeners." + listener.name;
    if (is_refused(key) || is_refused(key + ".bind")) continue;  // the default is nobody's wish
    for (const Address& address : listener.bind) add(address, key + ".bind");
  }
  if (configuration_.monitor.bind && !is_refused("monitor.bind"))
    add(*configuration_.monitor.bind, "monitor.bind");
}

void Checker::check_listener(const Listener& listener) {
  const std::string key = "listeners." + listener.name;
  if (listener.bind.size() > kMaxBinds) {
    report(key + ".bind", "has " + std::to_string(listener.bind.size()) +
                              " addresses; expected at most " + std::to_string(kMaxBinds));
  }
  expect_order(key, "limits.line", listener.limits.line, "limits.headers", listener.limits.headers);
  check_protocol(listener, key);
  check_via(configuration_, listener, provenance_, report_);
  check_tls(configuration_, listener, report_);
  check_proxy_protocol(configuration_, listener, report_);
  std::string names;
  for (const Pool& pool : configuration_.pools) names += (names.empty() ? "" : ", ") + pool.name;
  if (!listener.pool.empty() && configuration_.find_pool(listener.pool) == nullptr) {
    report(key + ".pool", "there is no pool '" + shown(key + ".pool", listener.pool) +
                              "'; expected one of " + names);
  } else if (listener.pool.empty() && !is_set(key + ".pool") && configuration_.pools.size() > 1) {
    report(key, "names no pool and there are several; expected `pool` with one of " + names);
  }
}

void Checker::check_protocol(const Listener& listener, const std::string& key) {
  const Pool* const pool = configuration_.find_pool(listener.pool);
  if (pool != nullptr && !pool->command.empty() && listener.connections_per_address != 0)
    report(key + ".connections_per_address", "is held by built-in workers, and those of pool " +
                                                 pool->name +
                                                 " are a program; expected no such key");
  if (listener.protocol != Protocol::kTcp) {
    if (is_set(key + ".upstream"))
      report(key + ".upstream",
             "is for `protocol: tcp`; expected no such key, since `routes` lead to upstreams");
    return;
  }
  if (pool != nullptr && pool->type != PoolType::kProxy)
    report(key + ".protocol", "tcp is for workers of type proxy, and pool " + pool->name +
                                  " is of type " + std::string(to_string(pool->type)) +
                                  "; expected `upstreams`, or protocol: http");
  for (const Option& option : options()) {
    if (option.section != Section::kListener || has_option(Protocol::kTcp, option.key)) continue;
    const std::string full = joined(key, option.key);
    if (is_set(full)) report(full, "is for HTTP, and this listener is tcp; expected no such key");
  }
  std::string names;
  for (const Upstream& upstream : configuration_.upstreams)
    names += (names.empty() ? "" : ", ") + upstream.name;
  if (configuration_.find_upstream(listener.upstream) != nullptr || names.empty() ||
      is_refused(key + ".upstream"))
    return;
  if (listener.upstream.empty())
    report(key,
           "names no upstream and there are several; expected `upstream` with one of " + names);
  else
    report(key + ".upstream", "there is no upstream '" +
                                  shown(key + ".upstream", listener.upstream) +
                                  "'; expected one of " + names);
}

void Checker::check_pool(const Pool& pool) {
  const std::string key = "pools." + pool.name;
  check_type(pool, key);
  check_program(configuration_, pool, report_);
  if (can_be_proxied(pool.type)) check_probes(configuration_, pool, report_);
  expect_order(key, "restart.backoff_min", pool.restart.backoff_min, "restart.backoff_max",
               pool.restart.backoff_max);
  expect_order(key, "liveness.suspect", pool.liveness.suspect, "liveness.replace",
               pool.liveness.replace);
}

void Checker::check_type(const Pool& pool, const std::string& key) {
  if (is_refused(key + ".type")) return;
  if (is_program(pool.type) && pool.command.empty() && !is_refused(key + ".command")) {
    report(key, "is of type " + std::string(to_string(pool.type)) +
                    " and has no command; expected `command`");
  }
  if (pool.type == PoolType::kProxy && configuration_.upstreams.empty() &&
      configuration_.routes.empty()) {
    report(key, "is of type proxy and there is no upstream; expected `upstreams`");
  }
  for (const Option& option : options()) {
    if (option.section != Section::kPool || has_option(pool.type, option.key)) continue;
    const std::string full = joined(key, option.key);
    if (!is_set(full)) continue;
    report(full, misplaced(pool, option.key));
  }
}

std::string Checker::misplaced(const Pool& pool, std::string_view option) const {
  const std::string type(to_string(pool.type));
  if (option == "test_handlers")
    return "is for the built-in hello, and this pool is " +
           std::string(pool.type == PoolType::kProxy ? "a proxy" : "a program") +
           "; expected no such key";
  if (is_for_node(option))
    return "is for Node programs, and this pool is of type " + type +
           "; expected type: node, or no such key";
  if (pool.type == PoolType::kNode && !is_for_foreign(option))
    return "looks at what a Node program does not tell; expected no such key";
  if (is_program(pool.type))
    return "is nothing that a program of type " + type + " can do; expected no such key";
  return "is for programs, and this pool is of type " + type +
         "; expected `command` without this type, or no such key";
}

void Checker::check_upstreams() {
  std::size_t servers = 0;
  for (const Upstream& upstream : configuration_.upstreams) {
    servers += upstream.servers.size();
    if (const Pool* const pool = configuration_.find_pool(upstream.pool)) servers += pool->workers;
    check_upstream_pool(configuration_, upstream, report_);
    check_proxy_protocol(upstream, report_);
    check_upstream(upstream, "upstreams." + upstream.name);
    check_upstream_tls(upstream, report_);
  }
  if (configuration_.upstreams.size() > kMaxUpstreams) {
    report("upstreams", "has " + std::to_string(configuration_.upstreams.size()) +
                            " entries; expected at most " + std::to_string(kMaxUpstreams));
  }
  if (servers > kMaxServers) {
    report("upstreams", "have " + std::to_string(servers) +
                            " servers in all (workers of pools are some); expected at most " +
                            std::to_string(kMaxServers));
  }
}

void Checker::check_upstream(const Upstream& upstream, const std::string& key) {
  const bool dns = is_set(key + ".dns") || !upstream.dns.empty();
  const bool srv = is_set(key + ".srv");
  if (upstream.servers.empty() && !is_refused(key + ".servers") && !dns && !srv &&
      upstream.pool.empty() && !is_refused(key + ".pool"))
    report(key,
           "has no servers; expected `servers` with at least one address, `dns`, `srv` or `pool`");
  if (dns && srv) report(key + ".srv", "stands beside `dns`; expected one of the two");
  if (dns && !is_refused(key + ".dns") && !is_name_and_port(upstream.dns))
    report(key + ".dns", "'" + shown(key + ".dns", upstream.dns) +
                             "' is not a name with a port; expected as in app.example.com:8080");
  if (srv && !is_refused(key + ".srv") && !is_host_name(upstream.srv))
    report(key + ".srv", "'" + shown(key + ".srv", upstream.srv) +
                             "' is not a name; expected as in _http._tcp.app.example.com");
  if (upstream.health.probe == Probe::kHttp && !is_request_path(upstream.health.path) &&
      !is_refused(key + ".health.path"))
    report(key + ".health.path", "'" + shown(key + ".health.path", upstream.health.path) +
                                     "' is not a path; expected one that begins with /, escapes "
                                     "for what is not printable ASCII");
  if (upstream.health.probe != Probe::kHttp && is_set(key + ".health.path"))
    report(key + ".health.path", "is for `probe: http`; expected that, or no path");
  if (is_set(key + ".sticky.cookie") && !is_refused(key + ".sticky.cookie") &&
      !is_valid_token(upstream.sticky.cookie))
    report(key + ".sticky.cookie", "'" + shown(key + ".sticky.cookie", upstream.sticky.cookie) +
                                       "' is not the name of a cookie; expected letters, digits, "
                                       "- and _");
  expect_order(key, "eject.base", upstream.eject.base, "eject.max", upstream.eject.max);
  check_hash(upstream, key + ".hash");
}

void Checker::check_hash(const Upstream& upstream, const std::string& key) {
  const std::string& hash = upstream.hash;
  const auto named = [&](std::string_view kind) {
    return hash.starts_with(kind) && hash.size() > kind.size() &&
           hash.find_first_of(" \t:;=,", kind.size()) == hash.npos;
  };
  if (hash == "address" || hash == "path" || named("header:") || named("cookie:")) return;
  report(key, "'" + shown(key, hash) +
                  "' is nothing to choose by; expected address, path, header:NAME or cookie:NAME");
}

void Checker::check_pools_are_used() {
  if (configuration_.listeners.empty()) return;  // reported above
  for (const Listener& listener : configuration_.listeners) {
    if (configuration_.find_pool(listener.pool) == nullptr)
      return;  // that one may be meant; reported above
  }
  for (const Pool& pool : configuration_.pools) {
    bool used = false;
    for (const Listener& listener : configuration_.listeners)
      used = used || listener.pool == pool.name;
    for (const Upstream& upstream : configuration_.upstreams)
      used = used || upstream.pool == pool.name;
    if (used) continue;
    if (is_set("pools." + pool.name))
      report(
          "pools." + pool.name,
          "no listener or upstream names it; expected a listener with `pool: " + pool.name + "`");
    else
      report("upstreams",
             "are reached by no listener: each names a pool of its own; expected one "
             "with `via: proxy`, with `pool: " +
                 pool.name + "`, or without a pool");
  }
}

}  // namespace

bool has_option(PoolType type, std::string_view key) {
  switch (type) {
    case PoolType::kHello:
      return key != "command" && key != "env" && key != "env_file" && key != "cwd" &&
             key != "user" && key != "output" && !is_for_node(key) && !is_for_foreign(key) &&
             !is_for_endpoints(key);
    case PoolType::kProxy:
      return key != "test_handlers" && has_option(PoolType::kHello, key);
    case PoolType::kNative:
      return key != "test_handlers" && !is_for_node(key) && !is_for_foreign(key) &&
             !is_for_endpoints(key);
    case PoolType::kAuto:
      return key != "test_handlers";
    case PoolType::kNode:  // what such a program does not tell is not looked at
      return key != "test_handlers" && key != "worker_connections" && key != "recycle.requests" &&
             key != "liveness.suspect" && key != "liveness.replace" && !is_for_foreign(key);
    case PoolType::kPort:
      return key != "policy" && has_option(PoolType::kListenFds, key);
    case PoolType::kListenFds:  // what only a worker with a channel can tell or be told
      return key != "test_handlers" && key != "worker_connections" && !is_for_node(key) &&
             !key.starts_with("handoff.") && key != "recycle.requests" &&
             key != "liveness.suspect" && key != "liveness.replace";
  }
  return true;
}

bool has_option(Protocol protocol, std::string_view key) {
  if (protocol != Protocol::kTcp) return key != "upstream";
  return !key.starts_with("limits.") && key != "http2" &&
         (!key.starts_with("timeouts.") || key == "timeouts.tunnel" || key == "timeouts.handshake");
}

void check_configuration(const Configuration& configuration, const Provenance& provenance,
                         Problems& problems) {
  Checker(configuration, provenance, problems).check();
}

}  // namespace roundhouse::config
