// How the workers of a pool end: what they may finish, what they give back, and what cuts them.
#include <algorithm>
#include <csignal>
#include <utility>

#include "config/worker_text.h"
#include "edge/pool.h"
#include "net/listener.h"

namespace roundhouse::edge {

// Tunnels may go on when all else has ended. At the end of the program nobody would serve what is
// given back.
void Pool::drain(const Action& action) {
  dispatcher_.flush(loop_.now());
  set_serving(action.place, false);
  certificates_.left(action.place);
  const config::Pool& options = *places_[action.place].generation->options;
  ipc::DrainTerms terms{
      .deadline = action.deadline,
      .requests_until = std::min(action.deadline, loop_.now() + options.timeouts.drain)};
  if (signals_.wanted_back && !supervisor_.stopping()) terms.give_back = signals_.wanted_back();
  places_[action.place].handle->ask_to_drain(terms);
}

bool Pool::wants_returned(std::size_t /*place*/, std::uint64_t listeners) {
  return signals_.takes_back && signals_.takes_back(listeners);
}

// The kernel knows better whose it is; of a client that has gone it does not. Only where the worker
// was told so by a header of the PROXY protocol it is another's, and only built-in ones read those.
void Pool::on_returned(std::size_t place, Connection connection) {
  dispatcher_.gave_back(place);
  const auto peer = peer_of_connection(connection.fd.get());
  if (!peer) return;
  const bool is_ours = places_[place].generation->options->command.empty();
  if (!is_ours || connection.info.begun == 0) ipc::set_peer(connection.info, *peer);
  connection.info.begun = 1;
  connection.info.accepted_ns = nanoseconds(loop_.now());
  signals_.returned(std::move(connection));
}

void Pool::hear_returned() {
  for (const std::size_t place : used_) {
    if (supervisor_.state(place) == WorkerState::kDraining) places_[place].handle->hear_again();
  }
}

void Pool::stop(Time now, Time deadline) {
  abort_rollout();
  if (current_->node_listens != nullptr) current_->node_listens->stop();
  carry_out(supervisor_.stop(now, deadline));
}

void Pool::leave(Time now) {
  abort_rollout();
  if (current_->node_listens != nullptr) current_->node_listens->stop();
  for (const std::size_t place : used_) {
    carry_out(supervisor_.retire(place, now, now + drain_time(options()), ExitReason::kReload));
    publish(place);
  }
}

void Pool::kill() {
  for (const std::size_t place : used_) places_[place].handle->signal(SIGKILL);
}

}  // namespace roundhouse::edge
