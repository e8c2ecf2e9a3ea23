#include "edge/acceptor.h"

#include <algorithm>

#include "base/log.h"

namespace roundhouse::edge {
namespace {

// Listeners take turns: none accepts more than this before the others get theirs.
constexpr int kAcceptsPerTurn = 16;
// While the machine is out of descriptors or the listener is full: when to look again.
constexpr Duration kRetry = std::chrono::milliseconds(100);
// Traffic causes the shortage, so its log lines are limited.
constexpr Duration kTellAgainAfter = std::chrono::seconds(1);
// After a pause this long, clients that have given up meanwhile are not served.
constexpr Duration kAbandonedAfter = std::chrono::seconds(1);
constexpr int kBacklogRounds = 4096 / kAcceptsPerTurn;

}  // namespace

Acceptor::Acceptor(EventLoop& loop, const config::Listener& options, std::uint32_t index,
                   Sockets sockets, Pool& pool, ipc::ListenerRow& row, std::uint64_t& next_id)
    : loop_(loop),
      options_(options),
      index_(index),
      pool_(&pool),
      row_(row),
      next_id_(next_id),
      retry_(loop, [this] { resume(); }),
      leave_(loop, [this] { finish_leaving(); }) {
  add(std::move(sockets));
}

void Acceptor::add(Sockets sockets) {
  for (ListeningSocket& socket : sockets.own)
    sockets_.push_back(std::make_unique<Socket>(*this, std::move(socket), std::nullopt));
  for (ReuseportGroup& group : sockets.groups) {
    rotations_.push_back(
        {group.sockets.front().asked, std::move(group.before), std::move(group.rotation)});
    for (std::size_t place = 0; place < group.sockets.size(); ++place)
      sockets_.push_back(std::make_unique<Socket>(*this, std::move(group.sockets[place]), place));
  }
}

std::vector<Acceptor::SocketView> Acceptor::views_of(const Sockets& sockets) {
  std::vector<SocketView> views;
  views.reserve(sockets.own.size());
  for (const ListeningSocket& one : sockets.own)
    views.push_back({one.asked, one.address, one.fd.get(), std::nullopt});
  for (const ReuseportGroup& group : sockets.groups) {
    for (std::size_t worker = 0; worker < group.sockets.size(); ++worker) {
      const ListeningSocket& one = group.sockets[worker];
      views.push_back({one.asked, one.address, one.fd.get(), worker});
    }
  }
  return views;
}

std::vector<Acceptor::SocketView> Acceptor::views() const {
  std::vector<SocketView> views;
  views.reserve(sockets_.size());
  for (const auto& socket : sockets_) {
    const ListeningSocket& one = socket->listening;
    if (!socket->leaving) views.push_back({one.asked, one.address, one.fd.get(), socket->place});
  }
  return views;
}

void Acceptor::adopt(const config::Listener& options, Pool& pool) {
  options_ = options;
  pool_ = &pool;
  for (const auto& socket : sockets_) {
    if (!socket->leaving)
      adjust(socket->listening,
             {.backlog = static_cast<int>(options.backlog), .defer = options.defer_accept});
  }
  if (!accepts()) end_pause();
  take_turns();
  if (paused_)
    resume();
  else
    watch_sockets();
}

void Acceptor::take_turns() {
  if (sockets_.empty() || !pool_->turns()) return;
  const std::vector<std::uint32_t> places = pool_->turns()->all_in_turn();
  for (Rotation& rotation : rotations_)
    if (!rotation.leaving) rotation.turns.set_turns(places);
  watch_sockets();
}

bool Acceptor::accepts_from(const Socket& socket) const {
  const auto& turns = pool_->turns();
  const bool workers = socket.place && turns && turns->in_turn(*socket.place);
  return socket.leaving || (accepts() && !workers);
}

// Those that nobody else accepts from, unless it is paused.
void Acceptor::watch_sockets() {
  for (const auto& socket : sockets_) {
    if (paused_ || !accepts_from(*socket)) {
      socket->watcher.stop();
    } else if (!socket->watcher.watching()) {
      socket->watcher.watch(loop_, socket->listening.fd.get(), Interest::kRead, Trigger::kLevel,
                            *socket);
    }
  }
}

// Else the workers do, for themselves.
bool Acceptor::accepts() const {
  const config::Pool& pool = pool_->options();
  if (config::is_foreign(pool.type)) return false;
  return pool.policy != config::Policy::kNone || pool_->is_own_door(index_);
}

// What is between two requests of one protocol is not of another's.
bool Acceptor::wants_back() const {
  return options_.protocol == config::Protocol::kHttp && !config::is_foreign(pool_->options().type);
}

void Acceptor::start() {
  if (!accepts()) return;
  pause(ipc::PauseReason::kNoWorker);  // until the first worker is ready
}

std::optional<ipc::PauseReason> Acceptor::obstacle() {
  if (!pool_->has_room(index_)) return ipc::PauseReason::kNoWorker;
  if (pool_->connections_of(index_) >= options_.max_connections)
    return ipc::PauseReason::kMaxConnections;
  return std::nullopt;
}

bool Acceptor::accept_batch(Socket& socket, Ready /*ready*/) {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    if (const auto reason = obstacle()) {
      pause(*reason);
      return false;
    }
    Accepted accepted;
    switch (accept_from(socket.listening.fd.get(), accepted)) {
      case AcceptStatus::kNothing:
        behind_since_.reset();
        return false;
      case AcceptStatus::kNoDescriptors:
        tell_of_shortage();
        pause(ipc::PauseReason::kDescriptors);
        return false;
      case AcceptStatus::kAccepted:
        break;
    }
    ipc::add(row_.accepted);
    if (is_abandoned(accepted)) {
      ipc::add(row_.abandoned);
      continue;
    }
    Connection connection{.fd = std::move(accepted.fd)};
    connection.info.id = ++next_id_;
    connection.info.accepted_ns = nanoseconds(loop_.now());
    connection.info.listener = index_;
    ipc::set_peer(connection.info, accepted.peer);
    pool_->offer(std::move(connection));
  }
  return true;
}

// A client that ended its side while nobody could serve it has given up, in all likelihood: to work
// through the requests of those who left would keep those who stayed waiting (and, were they the
// cause of the outage, prolong it).
bool Acceptor::is_abandoned(const Accepted& accepted) {
  // Of bytes that are no requests nothing is known.
  if (options_.protocol == config::Protocol::kTcp) return false;
  return behind_since_ && loop_.now() - *behind_since_ >= kAbandonedAfter &&
         peer_has_ended(accepted.fd.get());
}

void Acceptor::tell_of_shortage() {
  const Time now = loop_.now();
  if (told_at_ && now - *told_at_ < kTellAgainAfter) return;
  told_at_ = now;
  log::warn("listener_paused", "listener " + options_.name + " pauses: no descriptors are left",
            {{"listener", options_.name}});
}

void Acceptor::pause(ipc::PauseReason reason) {
  if (paused_ == reason) return;
  end_pause();
  for (const auto& socket : sockets_) socket->watcher.stop();
  paused_ = reason;
  paused_since_ = loop_.now();
  if (!behind_since_) behind_since_ = paused_since_;
  row_.paused_since_ns.store(nanoseconds(paused_since_));
  row_.paused.store(1 + static_cast<std::uint32_t>(reason));
  // Nobody tells when descriptors are free again or clients have gone.
  if (reason != ipc::PauseReason::kNoWorker) retry_.start_once(kRetry);
}

void Acceptor::end_pause() {
  if (!paused_) return;
  ipc::add(row_.paused_ns[static_cast<std::size_t>(*paused_)],
           static_cast<std::uint64_t>((loop_.now() - paused_since_).count()));
  row_.paused.store(0);
  paused_.reset();
  retry_.stop();
}

void Acceptor::resume() {
  if (!paused_ || sockets_.empty()) return;
  if (const auto reason = obstacle()) {
    if (*reason != ipc::PauseReason::kNoWorker) retry_.start_once(kRetry);
    return;
  }
  end_pause();
  watch_sockets();
}

void Acceptor::expect_close() {
  for (const auto& socket : sockets_) stop_deferring(socket->listening.fd.get());
}

void Acceptor::expect_close(const Address& asked) {
  for (const auto& socket : sockets_)
    if (socket->listening.asked == asked) stop_deferring(socket->listening.fd.get());
}

bool Acceptor::is_proxies_too() const {
  const config::Policy policy = pool_->options().policy;
  const bool workers_accept =
      policy == config::Policy::kNone || policy == config::Policy::kRrKernel;
  return pool_->is_proxied() && workers_accept;
}

// The workers have sockets of their own still: with nobody let in any more they find an end of what
// waits there before they close these.
void Acceptor::close() {
  for (Rotation& rotation : rotations_) rotation.turns.refuse();
  for (const auto& socket : sockets_) take_rest(*socket);
  end_pause();
  sockets_.clear();
  pause(ipc::PauseReason::kDraining);
  retry_.stop();
}

void Acceptor::close(const Address& asked) {
  for (Rotation& rotation : rotations_)
    if (rotation.asked == asked) rotation.turns.refuse();
  std::erase_if(sockets_, [&](const auto& socket) {
    if (socket->listening.asked != asked) return false;
    take_rest(*socket);
    return true;
  });
  for (auto* rotations : {&rotations_, &past_})
    std::erase_if(*rotations, [&](const Rotation& rotation) { return rotation.asked == asked; });
}

void Acceptor::take_rest(Socket& socket) {
  const bool ours = accepts() || socket.leaving;
  for (int round = 0; ours && round < kBacklogRounds; ++round) {
    if (!accept_batch(socket, {.readable = true, .writable = false})) break;
  }
  socket.watcher.stop();
}

}  // namespace roundhouse::edge
