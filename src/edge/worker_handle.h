// The edge's view of one worker place, whatever the worker speaks: the process that fills it now,
// the way of connections to it, its slot.
//
// The slot stays while processes come and go; everything else is the running process's. A place
// that is empty gets another handle, with the slot of the one before, when its next process is
// started with other options: NativeHandle for built-in workers and native programs, NodeHandle for
// Node programs, ProgramHandle for those that know nothing of us.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "edge/dispatcher.h"
#include "ipc/heritage.h"
#include "ipc/shared_memory.h"
#include "ipc/slot.h"

namespace roundhouse::edge {

class WorkerHandle : public HandoffPort {
 public:
  // Who is told what the worker says. Called inside the loop.
  class Listener {
   public:
    virtual void on_ready_notice(std::size_t place) = 0;
    virtual void on_draining_notice(std::size_t place) = 0;
    virtual void on_room_notice(std::size_t place) = 0;
    virtual void on_breach(std::size_t place) = 0;
    // What it serves at its own door may have changed.
    virtual void on_door_notice(std::size_t place) = 0;
    // It does not want a connection that was sent to it under `sequence`.
    virtual void on_turned_away(std::size_t place, std::uint64_t sequence,
                                Connection connection) = 0;
    // Somebody has room for connections of these listeners (bits), which it gives back.
    virtual bool wants_returned(std::size_t place, std::uint64_t listeners) = 0;
    // It drains, and this one was idle. What its info says is not to be believed.
    virtual void on_returned(std::size_t place, Connection connection) = 0;
    // It uses the certificates of this number, or says why those before go on.
    virtual void on_tls_answer(std::size_t place, std::uint64_t number,
                               const std::string& refusal) = 0;

   protected:
    ~Listener() = default;
  };

  // What the next process gets, beside the environment of the edge and of the pool.
  struct Inheritance {
    std::vector<int> descriptors;          // become 3, 4, ...; borrowed
    std::vector<std::string> environment;  // "NAME=value"
    bool told_its_pid = false;             // as LISTEN_PID
  };

  WorkerHandle(std::size_t place, Listener& listener, ipc::Shared<ipc::Slot> slot)
      : place_(place), listener_(listener), slot_(std::move(slot)) {}
  WorkerHandle(const WorkerHandle&) = delete;
  WorkerHandle& operator=(const WorkerHandle&) = delete;
  virtual ~WorkerHandle() = default;

  // Before each start: gauges at zero, and whatever connects the process with the edge. `bequest`
  // is what every kind of worker of the pool may be given.
  virtual Result<Inheritance> prepare(ipc::Bequest bequest, Time now) = 0;
  virtual void started(pid_t pid) { pid_ = pid; }
  // The process is dead: what it said last is heard before what it had not taken is received back.
  virtual void died() {}
  // The process is dead, or did not start; what it had not taken was received back.
  virtual void ended() { pid_ = 0; }

  // Asks it to finish what it has begun; at the deadline the supervisor kills.
  virtual void ask_to_drain(const ipc::DrainTerms& terms) = 0;
  // There may be room for what it gives back.
  virtual void hear_again() {}
  // A built-in worker gets another one: kAccessLog, kTlsMaterial with its number. Borrowed. False:
  // not now.
  virtual bool give(ipc::MessageType /*what*/, int /*fd*/, std::uint64_t /*number*/) {
    return true;
  }
  // When its event loop last ran; none: it does not tell.
  virtual std::optional<Time> heartbeat() const = 0;
  virtual std::uint64_t requests_since_start() const = 0;

  // What only some kinds of worker tell.
  //
  // Since when it owes an answer; none: it owes none.
  virtual std::optional<Time> unanswered_since() { return std::nullopt; }
  // Its exit is its own wish, whatever the exit code.
  virtual bool has_announced_exit() const { return false; }
  // What the program listens on, and what serves that: "3000 -> web (0.0.0.0:8000)".
  virtual std::string listens() const { return {}; }
  // "it never called listen()".
  virtual std::string why_not_ready() const { return {}; }
  // It answered what it is asked for until it is ready.
  virtual void answered_probe() {}
  // It runs, and what comes in at its own door it serves no more, or not yet.
  virtual bool has_shut_its_door() const { return false; }
  // Messages of the program to a primary of its own, which there is not.
  virtual std::uint64_t program_messages() const { return 0; }

  // To the process group that it leads. False: there is no such process any more.
  bool signal(int number) const;
  pid_t pid() const { return pid_; }
  ipc::Slot& slot() const { return *slot_; }
  int slot_fd() const { return slot_.fd(); }
  // For the next handle of the place; this one is of no use then.
  ipc::Shared<ipc::Slot> take_slot() { return std::move(slot_); }

 protected:
  std::size_t place() const { return place_; }
  Listener& listener() const { return listener_; }

 private:
  const std::size_t place_;
  Listener& listener_;
  ipc::Shared<ipc::Slot> slot_;
  pid_t pid_ = 0;
};

}  // namespace roundhouse::edge
