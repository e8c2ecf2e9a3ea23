// One worker process and its channel, as Habits says that it behaves: the worker's half is what
// native/connection_source does, the edge's half is a HandoffPort over a bounded queue.
//
// It stays when its process is dead, so that what lies unread can be taken back.
#pragma once

#include <deque>
#include <set>

#include "edge/dispatcher.h"
#include "edge/supervisor.h"
#include "simulation/world.h"

namespace roundhouse::simulation {

class Worker final : public edge::HandoffPort {
 public:
  enum class Notice { kReady, kDraining, kRoom, kBreach };
  // How it reaches the edge.
  class Edge {
   public:
    virtual void heard(std::size_t place, Notice notice) = 0;
    virtual void died(std::size_t place, const edge::ExitStatus& status) = 0;

   protected:
    ~Edge() = default;
  };

  Worker(World& world, Edge& edge, Seat seat, const config::Pool& options, const Habits& habits);
  void start();

  // What the edge does to it.
  void signal(int number);
  void ask_to_drain();
  void serves(bool serving) { serving_ = serving; }  // as the edge told its dispatcher
  void unreachable() { reachable_ = false; }         // its channel is closed on the edge's side

  // What the edge sees.
  Time heartbeat() const;
  bool stopped() const { return stopped_; }
  std::uint64_t requests() const { return requests_; }

  // The truth, for the checks.
  const Seat& seat() const { return seat_; }
  bool alive() const { return alive_; }
  bool said_ready() const { return ready_; }
  bool serving() const { return serving_; }
  bool honest() const { return !ever_lied_; }
  bool breached() const { return breached_; }
  // And has been for a second.
  bool healthy() const {
    return runs() && ready_ && !draining_ && serving_ && !ever_lied_ && world_.now() >= woke_ + 1s;
  }
  bool silent() const { return stopped_ || hung_; }
  Time started() const { return started_; }
  std::size_t open() const { return open_.size(); }
  std::size_t untaken() const;
  std::uint64_t took() const { return took_; }

  // Faults are over: no more lies, a broken process dies.
  void calm();

  ipc::Sent send(std::uint64_t sequence, std::span<edge::Connection> batch) override;
  ipc::Sent nudge(std::uint64_t sequence) override;
  std::uint64_t take_back(std::vector<edge::Connection>& out) override;
  std::uint64_t taken() const override;
  std::uint64_t connections_active() const override { return open_.size(); }
  void want_room() override;

 private:
  enum class Kind { kConnections, kNudge, kDrain };
  struct Message {
    Kind kind;
    std::uint64_t sequence;
    std::vector<ipc::ConnectionInfo> connections;
  };

  template <typename What>
  void after(const std::optional<Duration>& moment, What what);
  bool runs() const { return alive_ && !stopped_ && !hung_; }
  bool has_room() const { return open_.size() < options_.worker_connections || draining_; }
  void become_ready();
  void fall_silent(bool& how, const char* name);
  void wake(bool& how);
  void tell(Notice notice);
  void read_later();
  void read();
  void take(const Message& message);
  void finish(Id id);
  void begin_drain(const char* why);
  void answer_room();
  void leave_if_drained();
  void die(const edge::ExitStatus& status);

  World& world_;
  Edge& edge_;
  const Seat seat_;
  const config::Pool& options_;
  Habits habits_;
  const Time started_;
  std::deque<Message> queue_;
  std::set<Id> open_;
  std::vector<Id> owed_;  // would have finished while it was silent
  std::uint64_t taken_ = 0;
  std::uint64_t took_ = 0;
  std::uint64_t requests_ = 0;
  std::uint64_t room_wanted_ = 0;
  std::uint64_t room_answered_ = 0;
  Time last_beat_{};  // while silent
  Time woke_{};       // from its last silence
  bool alive_ = true;
  bool ready_ = false;
  bool stopped_ = false;
  bool hung_ = false;
  bool abort_waits_ = false;  // for SIGCONT
  bool draining_ = false;
  bool reading_ = false;  // read() is on the timeline
  bool serving_ = false;
  bool reachable_ = true;
  bool broken_ = false;
  bool breached_ = false;
  bool ever_lied_ = false;
};

std::ostream& operator<<(std::ostream& out, const Seat& seat);

}  // namespace roundhouse::simulation
