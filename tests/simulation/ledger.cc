#include "simulation/ledger.h"

#include <algorithm>

namespace roundhouse::simulation {

Id Ledger::arrived(std::size_t pool) {
  Life& life = lives_.emplace_back();
  life.pool = pool;
  if (at_edge_.size() <= pool) at_edge_.resize(pool + 1);
  return ++arrived_;
}

Ledger::Life& Ledger::move(Id id, Owner from, Owner to, const char* how) {
  static Life nobody;
  if (id == 0 || id > lives_.size()) {
    record_.violated("connection ", id, " does not exist (", how, ")");
    return nobody;
  }
  Life& life = lives_[id - 1];
  record_.check(life.owner == from, "connection ", id, " is ", how, " but its owner is another (",
                static_cast<int>(life.owner), ")");
  if (life.owner == Owner::kEdge) --at_edge_[life.pool];
  if (to == Owner::kEdge) ++at_edge_[life.pool];
  life.owner = to;
  return life;
}

void Ledger::finish(Life& life) {
  life.moved.clear();
  ++finished_;
}

void Ledger::refused(Id id) { finish(move(id, Owner::kBacklog, Owner::kFinished, "refused")); }

void Ledger::accepted(Id id) {
  move(id, Owner::kBacklog, Owner::kEdge, "accepted").accepted_at = timeline_.now();
}

void Ledger::sent(Id id, const Seat& to) {
  Life& life = move(id, Owner::kEdge, Owner::kChannel, "sent");
  record_.check(life.pool == to.pool, "connection ", id, " is sent to a worker of another pool");
  if (life.stalled_at && !(life.seat == to)) {
    ++moves_;
    record_.check(std::ranges::find(life.moved, life.seat) == life.moved.end(), "connection ", id,
                  " is moved away from worker ", life.seat.place, " a second time");
    life.moved.push_back(life.seat);
  }
  life.stalled_at = false;
  life.seat = to;
}

void Ledger::taken_back(Id id, const Seat& from, bool by_stall, bool from_liar) {
  Life& life = move(id, Owner::kChannel, Owner::kEdge, "taken back");
  record_.check(life.seat == from, "connection ", id, " is taken back from where it is not");
  life.stalled_at = by_stall && !from_liar;
  if (from_liar) life.moved.clear();
}

void Ledger::not_sent(Id id, const Seat& to) {
  Life& life = lives_[id - 1];
  if (life.seat == to) life.stalled_at = false;
}

void Ledger::taken(Id id, const Seat& by) {
  Life& life = move(id, Owner::kChannel, Owner::kWorker, "taken");
  record_.check(life.seat == by, "connection ", id, " is taken by whom it was not sent to");
  longest_wait_ = std::max(longest_wait_, timeline_.now() - life.accepted_at);
}

void Ledger::served(Id id, const Seat& by) {
  Life& life = move(id, Owner::kWorker, Owner::kFinished, "served");
  record_.check(life.seat == by, "connection ", id, " is served by whom it does not belong to");
  finish(life);
}

void Ledger::died(Id id, const Seat& with) {
  Life& life = move(id, Owner::kWorker, Owner::kFinished, "lost with its worker");
  record_.check(life.seat == with, "connection ", id, " dies with a worker that had it not");
  finish(life);
  ++died_;
}

void Ledger::shed(Id id, bool allowed) {
  record_.check(allowed, "connection ", id, " is lost: the edge closes it unserved");
  finish(move(id, Owner::kEdge, Owner::kFinished, "shed"));
  ++shed_;
}

std::size_t Ledger::at_edge_count(std::size_t pool) const {
  return pool < at_edge_.size() ? at_edge_[pool] : 0;
}

std::vector<Id> Ledger::at_edge(std::size_t pool) const {
  std::vector<Id> ids;
  for (std::size_t i = 0; i < lives_.size(); ++i) {
    if (lives_[i].owner == Owner::kEdge && lives_[i].pool == pool) ids.push_back(i + 1);
  }
  return ids;
}

}  // namespace roundhouse::simulation
