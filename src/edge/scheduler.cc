#include "edge/scheduler.h"

#include <algorithm>
#include <span>

#include "base/check.h"

namespace roundhouse::edge {
namespace {

// FNV-1a, then the finaliser of MurmurHash3: enough to spread; nothing here is a secret.
std::uint64_t hash(std::span<const std::uint8_t> host, std::uint64_t worker) {
  std::uint64_t h = 0xcbf29ce484222325;
  for (const std::uint8_t byte : host) h = (h ^ byte) * 0x100000001b3;
  h ^= worker * 0x9e3779b97f4a7c15;
  h = (h ^ (h >> 33)) * 0xff51afd7ed558ccd;
  h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53;
  return h ^ (h >> 33);
}

}  // namespace

Scheduler::Scheduler(config::Policy policy, std::size_t ids, std::size_t listeners)
    : policy_(policy), ids_(ids), cursors_(listeners, 0) {}

void Scheduler::enter(std::size_t worker) {
  present_.insert(std::ranges::upper_bound(present_, worker), worker);
}

void Scheduler::leave(std::size_t worker) { std::erase(present_, worker); }

std::optional<std::size_t> Scheduler::choose(const ipc::ConnectionInfo& connection,
                                             const Workers& workers) {
  CHECK(connection.listener < cursors_.size());
  std::size_t& cursor = cursors_[connection.listener];
  switch (policy_) {
    case config::Policy::kRr:
    case config::Policy::kRrKernel:
    case config::Policy::kNone:
      return next_in_rotation(cursor, workers);
    case config::Policy::kLeast:
      return least_loaded(cursor, workers);
    case config::Policy::kSticky:
      return stuck_to(connection, workers);
  }
  return std::nullopt;
}

std::size_t Scheduler::behind(std::size_t cursor, std::size_t steps) const {
  const auto next = std::ranges::lower_bound(present_, cursor) - present_.begin();
  return present_[(static_cast<std::size_t>(next) + steps) % present_.size()];
}

std::optional<std::size_t> Scheduler::next_in_rotation(std::size_t& cursor,
                                                       const Workers& workers) const {
  for (std::size_t steps = 0; steps < present_.size(); ++steps) {
    const std::size_t worker = behind(cursor, steps);
    if (!workers.eligible(worker)) continue;
    cursor = worker + 1;
    return worker;
  }
  return std::nullopt;
}

std::optional<std::size_t> Scheduler::least_loaded(std::size_t& cursor,
                                                   const Workers& workers) const {
  std::optional<std::size_t> best;
  std::uint64_t best_load = 0;
  for (std::size_t steps = 0; steps < present_.size(); ++steps) {
    const std::size_t worker = behind(cursor, steps);
    if (!workers.eligible(worker)) continue;
    const std::uint64_t load = workers.load(worker);
    if (best && load >= best_load) continue;
    best = worker;
    best_load = load;
  }
  if (best) cursor = *best + 1;
  return best;
}

std::optional<std::size_t> Scheduler::stuck_to(const ipc::ConnectionInfo& connection,
                                               const Workers& workers) const {
  const std::size_t size = connection.peer_family == AF_INET    ? 4
                           : connection.peer_family == AF_INET6 ? 16
                                                                : 0;
  std::optional<std::size_t> best;
  std::uint64_t best_hash = 0;
  for (const std::size_t worker : present_) {
    if (!workers.eligible(worker)) continue;
    const std::size_t id = (ids_ == 0 ? worker : worker % ids_) + 1;
    const std::uint64_t h = hash({connection.peer_host, size}, id);
    if (best && h <= best_hash) continue;
    best = worker;
    best_hash = h;
  }
  return best;
}

}  // namespace roundhouse::edge
