#include "monitor/connection_census.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "base/address.h"
#include "base/process_family.h"
#include "net/tcp_sockets.h"

namespace roundhouse::monitor {
namespace {

constexpr Duration kAtMostEvery = std::chrono::seconds(1);
constexpr int kPartOfTime = 20;
constexpr std::size_t kMostProcesses = 64;         // of a worker
constexpr std::size_t kMostDescriptors = 100'000;  // of a worker
constexpr std::size_t kMostConnections = 400'000;  // of a pool

// Ports of "0.0.0.0:80, [::1]:81"; empty where one is no port.
std::vector<std::uint16_t> ports_of(std::string_view addresses) {
  constexpr std::string_view kBetween = ", ";
  std::vector<std::uint16_t> ports;
  while (!addresses.empty()) {
    const auto end = std::min(addresses.find(kBetween), addresses.size());
    const auto address = Address::parse(addresses.substr(0, end));
    if (!address || address->is_unix()) return {};
    ports.push_back(address->port());
    addresses.remove_prefix(std::min(end + kBetween.size(), addresses.size()));
  }
  return ports;
}

// By inode the port of its connection, each once.
using Connections = std::unordered_map<std::uint64_t, std::uint16_t>;

// How many of these a worker holds, by port; none: not all of its descriptors were seen.
std::optional<std::unordered_map<std::uint16_t, std::uint64_t>> held_by(std::int32_t pid,
                                                                        Connections& open) {
  std::vector<std::uint64_t> inodes;
  std::size_t descriptors = kMostDescriptors;
  const std::vector<pid_t> family = family_of(pid, kMostProcesses);
  for (const pid_t member : family) {
    const bool whole = add_socket_inodes(member, descriptors, inodes);
    if (!whole && (member == pid || descriptors == 0)) return std::nullopt;
  }
  std::unordered_map<std::uint16_t, std::uint64_t> by_port;
  for (const std::uint64_t inode : inodes) {
    const auto found = open.find(inode);
    if (found == open.end()) continue;
    ++by_port[found->second];
    open.erase(found);
  }
  return by_port;
}

bool is_asked_for(const metrics::PoolValues& pool) {
  return pool.layout.type == "node" || pool.layout.type == "listen_fds";
}

}  // namespace

void ConnectionCensus::fill_in(metrics::Snapshot& snapshot, Time now) {
  if (std::ranges::none_of(snapshot.pools, is_asked_for)) return;
  if (now >= next_) {
    const Time began = Clock::now();
    count(snapshot);
    next_ = now + std::max(kAtMostEvery, kPartOfTime * (Clock::now() - began));
  }
  for (metrics::PoolValues& pool : snapshot.pools) {
    for (metrics::WorkerValues& worker : pool.workers) {
      if (worker.index < workers_.size() && worker.pid != 0 &&
          workers_[worker.index].pid == worker.pid)
        worker.connections_sampled = workers_[worker.index].connections;
    }
  }
  for (metrics::ListenerValues& listener : snapshot.listeners) {
    const auto known = std::ranges::find(listeners_, listener.layout.name, &Listener::name);
    if (known != listeners_.end()) listener.active = known->connections;
  }
}

void ConnectionCensus::count(const metrics::Snapshot& snapshot) {
  workers_.clear();
  listeners_.clear();
  for (const metrics::PoolValues& pool : snapshot.pools) {
    for (const metrics::WorkerValues& worker : pool.workers) {
      if (workers_.size() <= worker.index) workers_.resize(worker.index + 1);
      workers_[worker.index].pid = worker.pid;
    }
  }
  for (const metrics::PoolValues& pool : snapshot.pools) {
    if (is_asked_for(pool)) count_pool(snapshot, pool);
  }
}

void ConnectionCensus::count_pool(const metrics::Snapshot& snapshot,
                                  const metrics::PoolValues& pool) {
  std::vector<std::uint16_t> ports;
  std::vector<std::pair<const metrics::ListenerValues*, std::vector<std::uint16_t>>> listeners;
  for (const metrics::ListenerValues& listener : snapshot.listeners) {
    if (listener.layout.pool != pool.layout.name) continue;
    const std::vector<std::uint16_t> its = ports_of(listener.addresses);
    if (its.empty()) return;
    listeners.emplace_back(&listener, its);
    ports.insert(ports.end(), its.begin(), its.end());
  }
  if (ports.empty()) return;
  const auto sockets = tcp_sockets(TcpState::kEstablished, ports, kMostConnections);
  if (!sockets || sockets->size() == kMostConnections) return;
  Connections open;
  for (const TcpSocket& socket : *sockets) open.emplace(socket.inode, socket.local_port);
  std::unordered_map<std::uint16_t, std::uint64_t> all;
  bool whole = true;
  for (const metrics::WorkerValues& worker : pool.workers) {
    std::vector<std::int32_t> pids;
    if (worker.pid != 0) pids.push_back(worker.pid);
    for (const metrics::OlderProcess& older : worker.older) pids.push_back(older.pid);
    for (const std::int32_t pid : pids) {
      const auto held = held_by(pid, open);
      whole = whole && held;
      if (!held) continue;
      auto& connections = workers_[worker.index].connections;
      if (!connections) connections = 0;
      for (const auto& [port, count] : *held) {
        *connections += count;
        all[port] += count;
      }
    }
  }
  for (const auto& [listener, its] : listeners) {
    const bool shares = std::ranges::any_of(its, [&](std::uint16_t port) {
      return std::ranges::count(ports, port) != std::ranges::count(its, port);
    });
    if (!whole || shares) continue;
    Listener& known = listeners_.emplace_back(Listener{listener->layout.name});
    for (const std::uint16_t port : its) {
      known.connections += all[port];
      all.erase(port);  // at two addresses of the listener it is counted once
    }
  }
}

}  // namespace roundhouse::monitor
