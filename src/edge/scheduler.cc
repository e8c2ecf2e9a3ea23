#include "edge/scheduler.h"

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

Scheduler::Scheduler(config::Policy policy, std::size_t workers, std::size_t listeners)
    : policy_(policy), workers_(workers), cursors_(listeners, workers - 1) {}

std::optional<std::size_t> Scheduler::choose(const ipc::ConnectionInfo& connection,
                                             const Workers& workers) {
  CHECK(connection.listener < cursors_.size());
  std::size_t& cursor = cursors_[connection.listener];
  switch (policy_) {
    case config::Policy::kRr:
    case config::Policy::kRrKernel:  // what the kernel gave to a worker that cannot take it
      return next_in_rotation(cursor, workers);
    case config::Policy::kLeast:
      return least_loaded(cursor, workers);
    case config::Policy::kSticky:
      return stuck_to(connection, workers);
    case config::Policy::kNone:
      break;
  }
  return std::nullopt;
}

std::optional<std::size_t> Scheduler::next_in_rotation(std::size_t& cursor,
                                                       const Workers& workers) const {
  for (std::size_t step = 1; step <= workers_; ++step) {
    const std::size_t worker = (cursor + step) % workers_;
    if (!workers.eligible(worker)) continue;
    cursor = worker;
    return worker;
  }
  return std::nullopt;
}

std::optional<std::size_t> Scheduler::least_loaded(std::size_t& cursor,
                                                   const Workers& workers) const {
  std::optional<std::size_t> best;
  std::uint64_t best_load = 0;
  for (std::size_t step = 1; step <= workers_; ++step) {
    const std::size_t worker = (cursor + step) % workers_;
    if (!workers.eligible(worker)) continue;
    const std::uint64_t load = workers.load(worker);
    if (best && load >= best_load) continue;
    best = worker;
    best_load = load;
  }
  if (best) cursor = *best;
  return best;
}

std::optional<std::size_t> Scheduler::stuck_to(const ipc::ConnectionInfo& connection,
                                               const Workers& workers) const {
  const std::size_t size = connection.peer_family == AF_INET    ? 4
                           : connection.peer_family == AF_INET6 ? 16
                                                                : 0;
  std::optional<std::size_t> best;
  std::uint64_t best_hash = 0;
  for (std::size_t worker = 0; worker < workers_; ++worker) {
    if (!workers.eligible(worker)) continue;
    const std::uint64_t h = hash({connection.peer_host, size}, worker + 1);
    if (best && h <= best_hash) continue;
    best = worker;
    best_hash = h;
  }
  return best;
}

}  // namespace roundhouse::edge
