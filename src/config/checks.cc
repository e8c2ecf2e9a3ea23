#include "config/checks.h"

#include <string>
#include <utility>

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

class Checker {
 public:
  Checker(const Configuration& configuration, const Provenance& provenance, Problems& problems)
      : configuration_(configuration), provenance_(provenance), problems_(problems) {}

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
  void check_pools_are_used();

  // Was it written in the file? (Its value may have been refused.)
  bool is_set(const std::string& key) const {
    const auto found = provenance_.find(key);
    return found != provenance_.end() && found->second.from == Source::From::kFile;
  }
  // Of the key, or of the nearest thing around it that was written.
  Position position_of(std::string key) const;
  void report(const std::string& key, std::string what) {
    problems_.push_back({position_of(key), key, std::move(what)});
  }
  template <typename T>
  void expect_order(const std::string& section, const char* smaller, T small_value,
                    const char* larger, T large_value) {
    if (small_value <= large_value) return;
    const std::string key = section + "." + smaller;
    report(is_set(key) ? key : section + "." + larger,
           std::string(smaller) + " is more than " + larger + "; expected at most that");
  }

  const Configuration& configuration_;
  const Provenance& provenance_;
  Problems& problems_;
};

Position Checker::position_of(std::string key) const {
  while (true) {
    const auto found = provenance_.find(key);
    if (found != provenance_.end() && found->second.at.line > 0) return found->second.at;
    const auto dot = key.rfind('.');
    if (dot == key.npos) return {};
    key.resize(dot);
  }
}

void Checker::check() {
  check_counts();
  for (const Listener& listener : configuration_.listeners) check_listener(listener);
  for (const Pool& pool : configuration_.pools) check_pool(pool);
  check_binds();
  check_pools_are_used();
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
      report(key, address.to_string() + " is the same as or overlaps " + other.address.to_string() +
                      " of " + other.key + "; expected an address of its own");
      break;
    }
    binds.push_back({address, key});
  };
  for (const Listener& listener : configuration_.listeners) {
    for (const Address& address : listener.bind)
      add(address, "listeners." + listener.name + ".bind");
  }
  if (configuration_.monitor.bind) add(*configuration_.monitor.bind, "monitor.bind");
}

void Checker::check_listener(const Listener& listener) {
  const std::string key = "listeners." + listener.name;
  if (listener.bind.size() > kMaxBinds) {
    report(key + ".bind", "has " + std::to_string(listener.bind.size()) +
                              " addresses; expected at most " + std::to_string(kMaxBinds));
  }
  expect_order(key, "limits.line", listener.limits.line, "limits.headers", listener.limits.headers);
  std::string names;
  for (const Pool& pool : configuration_.pools) names += (names.empty() ? "" : ", ") + pool.name;
  if (!listener.pool.empty() && configuration_.find_pool(listener.pool) == nullptr) {
    report(key + ".pool", "there is no pool '" + listener.pool + "'; expected one of " + names);
  } else if (listener.pool.empty() && !is_set(key + ".pool") && configuration_.pools.size() > 1) {
    report(key, "names no pool and there are several; expected `pool` with one of " + names);
  }
}

void Checker::check_pool(const Pool& pool) {
  const std::string key = "pools." + pool.name;
  check_type(pool, key);
  expect_order(key, "restart.backoff_min", pool.restart.backoff_min, "restart.backoff_max",
               pool.restart.backoff_max);
  expect_order(key, "liveness.suspect", pool.liveness.suspect, "liveness.replace",
               pool.liveness.replace);
}

void Checker::check_type(const Pool& pool, const std::string& key) {
  if (pool.type == PoolType::kNative) {
    if (!is_set(key + ".command"))
      report(key, "is of type native and has no command; expected `command`");
    if (is_set(key + ".test_handlers")) {
      report(key + ".test_handlers", "is for the built-in hello; a program has none");
    }
    return;
  }
  for (const char* option : {"command", "env", "env_file", "cwd", "user"}) {
    const std::string full = key + "." + option;
    if (is_set(full))
      report(full, "is for programs and this pool is of type hello; expected type: native, or no " +
                       std::string(option));
  }
}

void Checker::check_pools_are_used() {
  for (const Listener& listener : configuration_.listeners) {
    if (configuration_.find_pool(listener.pool) == nullptr)
      return;  // that one may be meant; reported above
  }
  for (const Pool& pool : configuration_.pools) {
    bool used = false;
    for (const Listener& listener : configuration_.listeners)
      used = used || listener.pool == pool.name;
    if (!used)
      report("pools." + pool.name,
             "no listener names it; expected a listener with `pool: " + pool.name + "`");
  }
}

}  // namespace

void check_configuration(const Configuration& configuration, const Provenance& provenance,
                         Problems& problems) {
  Checker(configuration, provenance, problems).check();
}

}  // namespace roundhouse::config
