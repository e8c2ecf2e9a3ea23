// Which workers of a pool get connections: from its dispatcher, and under rr_kernel from the
// kernel.
#include <algorithm>

#include "edge/pool.h"
#include "net/listener.h"

namespace roundhouse::edge {

// By worker: the processes of one share its sockets.
void Pool::set_up_turns() {
  const bool wanted = options().policy == config::Policy::kRrKernel;
  if (wanted == turns_.has_value()) return;
  if (!wanted) {
    turns_timer_.stop();
    return turns_.reset();
  }
  turns_.emplace(std::max(options().rows.ids, options().workers), options().handoff.stall);
  turns_timer_.start_periodic(options().handoff.stall / 2);
}

void Pool::set_serving(std::size_t place, bool serving) {
  dispatcher_.serve(place, serving);
  if (!turns_) return;
  const auto serves = [&](std::size_t other) {
    return other != place && id(other) == id(place) && dispatcher_.serving(other);
  };
  const bool somebody = serving || std::ranges::any_of(used_, serves);
  if (turns_->serve(id(place) - 1, somebody)) signals_.turns();
}

void Pool::watch_turns() {
  std::vector<KernelTurns::Seen> seen(turns_->workers());
  for (const std::size_t place : used_) {
    const WorkerHandle& handle = *places_[place].handle;
    const std::size_t worker = id(place) - 1;
    KernelTurns::Seen& here = seen[worker];
    for (const ipc::InheritedListener& own : setting().own_sockets[place])
      here.accepted +=
          handle.slot().listener_accepted[own.listener].load(std::memory_order_relaxed);
    if (!dispatcher_.serving(place)) continue;
    here.heartbeat = handle.heartbeat();
    here.has_room = handle.connections_active() < options().worker_connections;
    for (const ipc::InheritedListener& own : setting().own_sockets[place])
      here.waiting = here.waiting || (turns_->in_turn(worker) && has_queued(own.fd));
  }
  if (turns_->observe(loop_.now(), seen)) signals_.turns();
}

}  // namespace roundhouse::edge
