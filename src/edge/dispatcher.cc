#include "edge/dispatcher.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace roundhouse::edge {
namespace {

constexpr std::size_t kNobody = static_cast<std::size_t>(-1);

// One for each worker, where the pool has not been given its rows.
std::size_t places_of(const config::Pool& pool) {
  return std::max(pool.rows.count(), pool.workers);
}

bool contains(const std::vector<std::uint16_t>& workers, std::size_t worker) {
  return std::ranges::find(workers, worker) != workers.end();
}

}  // namespace

Dispatcher::Dispatcher(const config::Pool& pool, std::size_t listeners)
    : pool_(pool),
      listeners_(listeners),
      scheduler_(pool.policy, pool.rows.ids, listeners),
      lanes_(places_of(pool)),
      waiting_of_(listeners + places_of(pool)) {}

void Dispatcher::adopt(const config::Pool& pool) {
  pool_ = pool;
  scheduler_.set_policy(pool.policy);
}

void Dispatcher::add_worker() {
  lanes_.emplace_back();
  waiting_of_.push_back(0);
}

void Dispatcher::attach(std::size_t worker, HandoffPort& port) {
  Lane& lane = lanes_[worker];
  CHECK(lane.port == nullptr);
  lane.port = &port;
  scheduler_.enter(worker);
  lane.serving = false;
  lane.sequence = 0;
}

void Dispatcher::detach(std::size_t worker, Time now) {
  Lane& lane = lanes_[worker];
  if (lane.port == nullptr) return;
  refresh(lane);
  lane.serving = false;
  std::vector<Connection> back = receive_back(worker);
  lane.counts.taken += lane.depth;  // read by it in its last moments: they died with it
  lane.depth = 0;
  lane.sent.clear();
  lane.stalled = lane.full = false;
  lane.port = nullptr;
  scheduler_.leave(worker);
  for (Connection& connection : std::exchange(lane.batch, {}))
    back.push_back(std::move(connection));
  for (Connection& connection : back) {
    std::erase(connection.tried, worker);  // the next process there is another worker
    offer(std::move(connection), now);
  }
  flush(now);
}

void Dispatcher::serve(std::size_t worker, bool serving) {
  Lane& lane = lanes_[worker];
  lane.serving = serving;
  if (serving) return;
  for (Connection& connection : std::exchange(lane.batch, {})) {
    const std::size_t other = choose_for(connection);
    put(other == kNobody ? worker : other, std::move(connection), offered_at_);
  }
  send_batch(worker, offered_at_);
}

void Dispatcher::refresh(Lane& lane) {
  if (lane.sent.empty() || lane.port == nullptr) return;
  const std::uint64_t taken = lane.port->taken();
  while (!lane.sent.empty() && lane.sent.front().sequence <= taken) {
    lane.depth -= lane.sent.front().connections;
    lane.counts.taken += lane.sent.front().connections;
    lane.sent.pop_front();
    lane.stalled = lane.full = false;  // it reads
  }
}

bool Dispatcher::eligible(Lane& lane, std::uint32_t listener) {
  const bool at_its_door = is_own_door(listener);
  if (lane.port == nullptr || (!lane.serving && !at_its_door)) return false;
  if (at_its_door && &lane != &lanes_[listener - listeners_]) return false;
  refresh(lane);
  if (lane.stalled || lane.full || !lane.port->willing(listener)) return false;
  const std::size_t coming = lane.depth + lane.batch.size();
  return coming < pool_.handoff.depth &&
         lane.port->connections_active() + coming < pool_.worker_connections;
}

bool Dispatcher::has_room(std::uint32_t listener) {
  const auto some = [this, listener] {
    return waiting_of_[listener] == 0 &&
           std::ranges::any_of(lanes_, [&](Lane& lane) { return eligible(lane, listener); });
  };
  if (some()) return true;
  // Ask first and look again, so that room made in between is not missed.
  for (Lane& lane : lanes_) {
    if (lane.port != nullptr && (lane.serving || is_own_door(listener))) lane.port->want_room();
  }
  return some();
}

std::size_t Dispatcher::choose_for(const Connection& connection) {
  const auto load = [this](std::size_t worker) {
    const Lane& lane = lanes_[worker];
    return lane.port->connections_active() + lane.depth + lane.batch.size();
  };
  const std::uint32_t listener = connection.info.listener;
  if (is_own_door(listener)) {
    const std::size_t worker = listener - listeners_;
    return eligible(lanes_[worker], listener) ? worker : kNobody;
  }
  const auto any = [&](std::size_t worker) { return eligible(lanes_[worker], listener); };
  const auto untried = [&](std::size_t worker) {
    return !contains(connection.tried, worker) && any(worker);
  };
  auto chosen = scheduler_.choose(connection.info, {.eligible = untried, .load = load});
  if (!chosen && !connection.tried.empty()) {
    chosen = scheduler_.choose(connection.info, {.eligible = any, .load = load});
  }
  return chosen.value_or(kNobody);
}

void Dispatcher::offer(Connection connection, Time now) {
  offered_at_ = now;
  std::size_t& before = waiting_of_[connection.info.listener];
  const std::size_t worker = before == 0 ? choose_for(connection) : kNobody;
  if (worker != kNobody) return put(worker, std::move(connection), now);
  waiting_.push_back(std::move(connection));
  if (++before > 1) place_waiting(now);  // those before it first
}

// In order. Those of a listener that nobody can serve do not hold up those of another.
void Dispatcher::place_waiting(Time now) {
  if (waiting_.empty()) return;
  std::vector<bool> unserved(waiting_of_.size());
  for (std::size_t i = 0; i < waiting_.size();) {
    const std::uint32_t listener = waiting_[i].info.listener;
    const std::size_t worker = unserved[listener] ? kNobody : choose_for(waiting_[i]);
    if (worker == kNobody) {
      unserved[listener] = true;
      ++i;
      continue;
    }
    Connection connection = std::move(waiting_[i]);
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i));
    --waiting_of_[listener];
    put(worker, std::move(connection), now);
  }
}

void Dispatcher::drop_waiting(std::uint32_t listener) {
  if (waiting_of_[listener] == 0) return;
  std::erase_if(waiting_, [&](const Connection& one) { return one.info.listener == listener; });
  waiting_of_[listener] = 0;
}

void Dispatcher::put(std::size_t worker, Connection connection, Time now) {
  Lane& lane = lanes_[worker];
  lane.batch.push_back(std::move(connection));
  if (now < cautious_until_ || lane.batch.size() == lane.port->batch_limit())
    send_batch(worker, now);
}

void Dispatcher::flush(Time now) {
  // What one channel refuses joins the batch of another, whose turn may have been before: again.
  const auto pending = [](const Lane& lane) { return !lane.batch.empty(); };
  while (std::ranges::any_of(lanes_, pending)) {
    for (std::size_t worker = 0; worker < lanes_.size(); ++worker) send_batch(worker, now);
  }
  for (const Lane& lane : lanes_) {
    if (lane.port != nullptr) lane.port->flush();
  }
}

void Dispatcher::send_batch(std::size_t worker, Time now) {
  Lane& lane = lanes_[worker];
  if (lane.batch.empty()) return;
  std::vector<Connection> batch = std::exchange(lane.batch, {});
  const ipc::Sent sent = lane.port->send(lane.sequence + 1, batch);
  if (sent != ipc::Sent::kYes) {
    // Full until it reads; broken until its death is told. Either way these go elsewhere.
    lane.full = true;
    if (sent == ipc::Sent::kFull) lane.port->want_room();
    for (Connection& connection : batch) offer(std::move(connection), now);
    return;
  }
  Sent record{.sequence = ++lane.sequence,
              .connections = static_cast<std::uint32_t>(batch.size()),
              .listener = batch.front().info.listener,
              .at = now,
              .tried = {}};
  const bool moved =
      std::ranges::any_of(batch, [](const Connection& c) { return !c.tried.empty(); });
  if (moved) {
    for (Connection& connection : batch) record.tried.push_back(std::move(connection.tried));
  }
  lane.depth += batch.size();
  lane.counts.given += batch.size();
  lane.sent.push_back(std::move(record));
  batch.clear();
  lane.batch = std::move(batch);  // keeps its memory for the next turn
}

// While it serves, only somebody with nothing untaken is better than waiting.
bool Dispatcher::another_can_take(std::size_t worker, std::uint32_t listener) {
  for (std::size_t other = 0; other < lanes_.size(); ++other) {
    const bool idle = lanes_[other].depth == 0 || !lanes_[worker].serving;
    if (other != worker && idle && eligible(lanes_[other], listener)) return true;
  }
  return false;
}

// Under sticky clients have their sessions at a worker, and another would know nothing of them:
// they wait until it is suspect.
Duration Dispatcher::patience_with(const Lane& lane) const {
  const bool has_sessions = pool_.policy == config::Policy::kSticky && lane.serving;
  return has_sessions ? std::max(pool_.handoff.stall, pool_.liveness.suspect) : pool_.handoff.stall;
}

void Dispatcher::observe(Time now) {
  for (std::size_t worker = 0; worker < lanes_.size(); ++worker) {
    Lane& lane = lanes_[worker];
    if (lane.port == nullptr) continue;
    refresh(lane);
    if (lane.sent.empty()) {
      lane.full = false;  // what filled the kernel was not ours to see: try again
      if (lane.stalled) nudge(lane, now);
    }
    if (lane.depth == 0) continue;
    const Sent* oldest = oldest_movable(worker);
    if (oldest != nullptr && oldest->at + patience_with(lane) <= now &&
        another_can_take(worker, oldest->listener))
      move_away(worker, now);
  }
  place_waiting(now);
  flush(now);
}

// Of the connections that may still be moved. A worker that serves loses a connection once only,
// so that a uniformly slow pool does not shuffle.
const Dispatcher::Sent* Dispatcher::oldest_movable(std::size_t worker) const {
  const Lane& lane = lanes_[worker];
  for (const Sent& sent : lane.sent) {
    const bool may_move = !lane.serving || sent.tried.empty() ||
                          std::ranges::any_of(sent.tried, [&](const auto& tried) {
                            return !contains(tried, worker);
                          });
    if (sent.connections > 0 && may_move && !is_own_door(sent.listener)) return &sent;
  }
  return nullptr;
}

void Dispatcher::turned_away(std::size_t worker, std::uint64_t sequence, Connection connection,
                             Time now) {
  Lane& lane = lanes_[worker];
  const auto record = std::ranges::find(lane.sent, sequence, &Sent::sequence);
  if (record != lane.sent.end()) {
    CHECK(record->connections == 1);
    if (!record->tried.empty()) connection.tried = std::move(record->tried.front());
    --lane.depth;
    ++lane.counts.returned;
    lane.sent.erase(record);
  }
  if (!contains(connection.tried, worker))
    connection.tried.push_back(static_cast<std::uint16_t>(worker));
  offer(std::move(connection), now);
}

std::vector<Connection> Dispatcher::receive_back(std::size_t worker) {
  Lane& lane = lanes_[worker];
  std::vector<Connection> back;
  for (;;) {
    const std::size_t before = back.size();
    const std::uint64_t sequence = lane.port->take_back(back);
    if (sequence == 0) break;
    const std::size_t count = back.size() - before;
    const auto record = std::ranges::find(lane.sent, sequence, &Sent::sequence);
    // Else the slot said that it had been read, and lied: it stays counted as taken.
    if (record == lane.sent.end()) continue;
    lane.counts.taken_back += count;
    for (std::size_t i = 0; i < count && !record->tried.empty(); ++i)
      back[before + i].tried = std::move(record->tried[i]);
    lane.depth -= count;
    lane.sent.erase(record);
  }
  return back;
}

void Dispatcher::move_away(std::size_t worker, Time now) {
  Lane& lane = lanes_[worker];
  std::vector<Connection> back = receive_back(worker);
  if (back.empty()) return;  // it read them just now
  lane.stalled = true;
  nudge(lane, now);
  for (Connection& connection : back) {
    const bool was_moved = contains(connection.tried, worker);
    if (!was_moved) connection.tried.push_back(static_cast<std::uint16_t>(worker));
    if (was_moved && lane.serving) {
      put(worker, std::move(connection), now);  // it travelled with others that may move
    } else {
      offer(std::move(connection), now);
    }
  }
  flush(now);
}

// It is eligible again when it has read this.
void Dispatcher::nudge(Lane& lane, Time now) {
  if (lane.port->nudge(lane.sequence + 1) != ipc::Sent::kYes)
    return;  // again at the next observe()
  lane.sent.push_back(
      {.sequence = ++lane.sequence, .connections = 0, .listener = 0, .at = now, .tried = {}});
}

bool Dispatcher::busy() const {
  return !waiting_.empty() || std::ranges::any_of(lanes_, [](const Lane& lane) {
    return lane.depth > 0 || lane.stalled || lane.full;
  });
}

}  // namespace roundhouse::edge
