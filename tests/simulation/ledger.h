// Who owns each connection. Every change of owner is told here and must be one that is allowed:
//
//   backlog -> edge <-> channel of a worker -> that worker -> served | died with it
//                                               (edge -> shed, once the edge stops)
//
// So a connection that is lost, given out twice or served twice is found when it happens.
#pragma once

#include <cstdint>
#include <vector>

#include "simulation/record.h"

namespace roundhouse::simulation {

using Id = std::uint64_t;  // of a connection, from 1

// One process at one place.
struct Seat {
  std::size_t pool = 0;
  std::size_t place = 0;
  std::uint64_t incarnation = 0;  // counts the processes of a whole run
  bool operator==(const Seat&) const = default;
};

class Ledger {
 public:
  Ledger(Record& record, const Timeline& timeline) : record_(record), timeline_(timeline) {}

  Id arrived(std::size_t pool);
  void refused(Id id);  // the listener closes: never accepted
  void accepted(Id id);
  void sent(Id id, const Seat& to);
  // `by_stall`: from a worker that is alive and serves. What a liar had is not remembered by the
  // edge: it counts anew.
  void taken_back(Id id, const Seat& from, bool by_stall, bool from_liar);
  // Its channel takes no more: what it had before may go on from here.
  void not_sent(Id id, const Seat& to);
  void taken(Id id, const Seat& by);
  void served(Id id, const Seat& by);
  void died(Id id, const Seat& with);
  void shed(Id id, bool allowed);

  std::vector<Id> at_edge(std::size_t pool) const;
  std::size_t at_edge_count(std::size_t pool) const;
  std::size_t place_of(Id id) const { return lives_[id - 1].seat.place; }
  std::uint64_t unfinished() const { return arrived_ - finished_; }
  std::uint64_t finished() const { return finished_; }
  std::uint64_t count() const { return arrived_; }
  std::uint64_t died_count() const { return died_; }
  std::uint64_t shed_count() const { return shed_; }
  std::uint64_t moves() const { return moves_; }
  // From accepted to taken.
  Duration longest_wait() const { return longest_wait_; }

 private:
  enum class Owner { kBacklog, kEdge, kChannel, kWorker, kFinished };
  struct Life {
    Owner owner = Owner::kBacklog;
    std::size_t pool = 0;
    Time accepted_at{};
    Seat seat;                // that has it, or had it last
    bool stalled_at = false;  // taken back by stall from `seat`, and not sent since
    std::vector<Seat> moved;  // away from these, by stall
  };
  // Checks that the connection is where it is said to be, and moves it.
  Life& move(Id id, Owner from, Owner to, const char* how);
  void finish(Life& life);

  Record& record_;
  const Timeline& timeline_;
  std::vector<Life> lives_;
  std::vector<std::size_t> at_edge_;  // by pool
  std::uint64_t arrived_ = 0;
  std::uint64_t finished_ = 0;
  std::uint64_t died_ = 0;
  std::uint64_t shed_ = 0;
  std::uint64_t moves_ = 0;
  Duration longest_wait_{};
};

}  // namespace roundhouse::simulation
