#include "edge/dispatcher.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace roundhouse::edge {
namespace {

constexpr std::size_t kNobody = static_cast<std::size_t>(-1);

}  // namespace

Dispatcher::Dispatcher(const config::Pool& pool, std::size_t listeners)
    : pool_(pool), scheduler_(pool.policy, pool.workers, listeners), lanes_(pool.workers) {}

void Dispatcher::attach(std::size_t worker, HandoffPort& port) {
  Lane& lane = lanes_[worker];
  CHECK(lane.port == nullptr);
  lane.port = &port;
  lane.serving = lane.stalled = lane.full = false;
  lane.sequence = 0;
  lane.depth = 0;
  lane.sent.clear();
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
  lane.port = nullptr;
  for (Connection& connection : std::exchange(lane.batch, {}))
    back.push_back(std::move(connection));
  for (Connection& connection : back) offer(std::move(connection), now);
  flush(now);
}

void Dispatcher::serve(std::size_t worker, bool serving) { lanes_[worker].serving = serving; }

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

bool Dispatcher::eligible(Lane& lane) {
  if (!lane.serving || lane.port == nullptr) return false;
  refresh(lane);
  if (lane.stalled || lane.full) return false;
  const std::size_t coming = lane.depth + lane.batch.size();
  return coming < pool_.handoff.depth &&
         lane.port->connections_active() + coming < pool_.worker_connections;
}

bool Dispatcher::has_room() {
  const auto some = [this] {
    return std::ranges::any_of(lanes_, [this](Lane& lane) { return eligible(lane); });
  };
  if (some()) return true;
  // Ask first and look again, so that room made in between is not missed.
  for (Lane& lane : lanes_) {
    if (lane.port != nullptr && lane.serving) lane.port->want_room();
  }
  return some();
}

std::size_t Dispatcher::choose_for(const Connection& connection) {
  const auto load = [this](std::size_t worker) {
    const Lane& lane = lanes_[worker];
    return lane.port->connections_active() + lane.depth + lane.batch.size();
  };
  const auto untried = [&](std::size_t worker) {
    return std::ranges::find(connection.tried, worker) == connection.tried.end() &&
           eligible(lanes_[worker]);
  };
  const auto any = [&](std::size_t worker) { return eligible(lanes_[worker]); };
  auto chosen = scheduler_.choose(connection.info, {.eligible = untried, .load = load});
  if (!chosen && !connection.tried.empty()) {
    chosen = scheduler_.choose(connection.info, {.eligible = any, .load = load});
  }
  return chosen.value_or(kNobody);
}

void Dispatcher::offer(Connection connection, Time now) {
  const std::size_t worker = choose_for(connection);
  if (worker == kNobody) {
    waiting_.push_back(std::move(connection));
    return;
  }
  Lane& lane = lanes_[worker];
  lane.batch.push_back(std::move(connection));
  if (lane.batch.size() == ipc::kMaxDescriptors) send_batch(worker, now);
}

void Dispatcher::flush(Time now) {
  for (std::size_t worker = 0; worker < lanes_.size(); ++worker) send_batch(worker, now);
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

bool Dispatcher::another_is_free(std::size_t worker) {
  for (std::size_t other = 0; other < lanes_.size(); ++other) {
    if (other != worker && eligible(lanes_[other]) && lanes_[other].depth == 0) return true;
  }
  return false;
}

void Dispatcher::observe(Time now) {
  for (std::size_t worker = 0; worker < lanes_.size(); ++worker) {
    Lane& lane = lanes_[worker];
    refresh(lane);
    if (lane.sent.empty())
      lane.full = false;  // what filled the kernel was not ours to see: try again
    if (lane.depth == 0) continue;
    if (movable_since(lane) + pool_.handoff.stall <= now && another_is_free(worker))
      move_away(worker, now);
  }
  place_waiting(now);
}

// When the oldest connection that may still move was sent; far in the future if there is none.
Time Dispatcher::movable_since(const Lane& lane) const {
  for (const Sent& sent : lane.sent) {
    const bool may_move =
        sent.tried.empty() || std::ranges::any_of(sent.tried, [this](const auto& tried) {
          return tried.size() + 1 < lanes_.size();
        });
    if (sent.connections > 0 && may_move) return sent.at;
  }
  return Time::max() - pool_.handoff.stall;
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
    lane.counts.taken_back += count;
    if (record == lane.sent.end()) {
      lane.counts.taken -= count;  // the slot said that it had been read, and lied
      continue;
    }
    for (std::size_t i = 0; i < count; ++i) {
      if (!record->tried.empty()) back[before + i].tried = std::move(record->tried[i]);
      back[before + i].tried.push_back(static_cast<std::uint16_t>(worker));
    }
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
  // It is eligible again when it has read this.
  if (lane.port->nudge(lane.sequence + 1) == ipc::Sent::kYes) {
    lane.sent.push_back({.sequence = ++lane.sequence, .connections = 0, .at = now, .tried = {}});
  }
  for (Connection& connection : back) {
    if (connection.tried.size() < lanes_.size()) {
      offer(std::move(connection), now);
    } else {
      // It lay at every worker once: here it stays, so that a uniformly slow pool does not shuffle.
      lane.batch.push_back(std::move(connection));
      if (lane.batch.size() == ipc::kMaxDescriptors) send_batch(worker, now);
    }
  }
  flush(now);
}

void Dispatcher::place_waiting(Time now) {
  for (std::size_t left = waiting_.size(); left > 0; --left) {
    Connection connection = std::move(waiting_.front());
    waiting_.pop_front();
    offer(std::move(connection), now);
  }
  flush(now);
}

bool Dispatcher::busy() const {
  return !waiting_.empty() || std::ranges::any_of(lanes_, [](const Lane& lane) {
    return lane.depth > 0 || lane.stalled;
  });
}

}  // namespace roundhouse::edge
