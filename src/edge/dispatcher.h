// Gives a pool's accepted connections to its workers, and takes back what they have not taken.
//
// A connection has one owner: first the edge, then the channel's queue (unread = untaken, the edge
// can receive it back), then the worker that read it. So none is lost when a worker dies or stalls
// before taking it, and none is served twice. No I/O of its own: a HandoffPort is the way to one
// worker; the simulator has ports of its own.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "config/options.h"
#include "edge/scheduler.h"
#include "ipc/channel.h"
#include "ipc/messages.h"

namespace roundhouse::edge {

struct Connection {
  UniqueFd fd;
  ipc::ConnectionInfo info{};
  std::vector<std::uint16_t> tried;  // workers it was moved away from
};

// One worker's channel as the dispatcher needs it.
class HandoffPort {
 public:
  // At most batch_limit() connections under one sequence. After kYes the caller closes the
  // descriptors that the port has not moved from. What a port still keeps goes out at flush().
  virtual ipc::Sent send(std::uint64_t sequence, std::span<Connection> batch) = 0;
  virtual ipc::Sent nudge(std::uint64_t sequence) = 0;
  // Receives back one message with connections that the worker has not read, appending them to
  // `out` (`tried` empty), and returns its sequence; 0 when there is none left. Other messages met
  // on the way are sent again, in order.
  virtual std::uint64_t take_back(std::vector<Connection>& out) = 0;
  // From the slot: the sequence last read, the open connections.
  virtual std::uint64_t taken() const = 0;
  virtual std::uint64_t connections_active() const = 0;
  // Asks for a Room message as soon as the worker has room.
  virtual void want_room() = 0;
  // Connections of this listener may be sent now. A worker that turned one away rests. At a
  // worker's own door nothing else is asked: one that drains goes on there until it is told to
  // stop.
  virtual bool willing(std::uint32_t /*listener*/) const { return true; }
  virtual std::size_t batch_limit() const { return ipc::kMaxDescriptors; }
  virtual void flush() {}

 protected:
  ~HandoffPort() = default;
};

// Counts of one worker since the edge began.
struct HandoffCounts {
  std::uint64_t given = 0;       // connections that reached its channel
  std::uint64_t taken = 0;       // of those, read by it
  std::uint64_t taken_back = 0;  // of those, received back
  std::uint64_t returned = 0;    // of those, turned away by it
  std::uint64_t given_back = 0;  // idle when it drained, and given back; wherever it had them from
};

class Dispatcher {
 public:
  // The numbers of listeners from `listeners` on are the workers' own doors, in the order of their
  // places: what comes in at one is for that worker alone, and waits for its replacement.
  Dispatcher(const config::Pool& pool, std::size_t listeners);

  // Other options of the same pool are in force from now on.
  void adopt(const config::Pool& pool);
  // One more place, behind the others, with a door of its own.
  void add_worker();
  // A new process at the place; not eligible before serve(). The port must outlive it.
  void attach(std::size_t worker, HandoffPort& port);
  // Its process is dead: what it had not taken is offered to others.
  void detach(std::size_t worker, Time now);
  // Not serving: it gets nothing more but at its own door, while it is willing there. What was
  // chosen for it in this turn goes to another, or else at once into its channel. What lies there
  // it may still take; left untaken for handoff.stall it goes to anybody eligible.
  void serve(std::size_t worker, bool serving);

  // True if no connection of this listener waits here and some worker could be given one now. If
  // not, every worker has been asked for a Room message.
  bool has_room(std::uint32_t listener);
  // Takes the connection; it travels at the next flush(). With nobody eligible it waits here,
  // behind those that came before.
  void offer(Connection connection, Time now);
  // The worker turns away a connection that was sent under `sequence`: others get it.
  void turned_away(std::size_t worker, std::uint64_t sequence, Connection connection, Time now);
  // The worker gave one back that it had taken; it is offered anew.
  void gave_back(std::size_t worker) { ++lanes_[worker].counts.given_back; }
  // Closes those of this listener that wait here.
  void drop_waiting(std::uint32_t listener);
  // Once at the end of a turn: one message for each worker and eight connections.
  void flush(Time now);
  // Looks at what was taken since, and moves connections away from stalled workers. Call it when a
  // worker sends Room, and every handoff.stall / 4 while busy().
  void observe(Time now);
  // Until then each connection travels in a message of its own: a request that kills its worker
  // then takes with it none of those behind it. The pool asks for it after a crash.
  void be_cautious(Time until) { cautious_until_ = until; }
  // Something is untaken or waits, or a channel has to be tried again.
  bool busy() const;

  bool serving(std::size_t worker) const { return lanes_[worker].serving; }
  bool stalled(std::size_t worker) const { return lanes_[worker].stalled; }
  std::size_t untaken(std::size_t worker) const { return lanes_[worker].depth; }
  std::size_t waiting() const { return waiting_.size(); }
  const HandoffCounts& counts(std::size_t worker) const { return lanes_[worker].counts; }

 private:
  struct Sent {
    std::uint64_t sequence;
    std::uint32_t connections;  // 0: a nudge
    std::uint32_t listener;     // of the first
    Time at;
    std::vector<std::vector<std::uint16_t>> tried;  // empty, or one for each connection
  };
  struct Lane {
    HandoffPort* port = nullptr;
    bool serving = false;
    bool stalled = false;  // until it reads again
    bool full = false;     // its channel took no more; until it reads again
    std::uint64_t sequence = 0;
    std::size_t depth = 0;  // connections sent and not known to be taken
    std::deque<Sent> sent;
    std::vector<Connection> batch;
    HandoffCounts counts;
  };

  bool eligible(Lane& lane, std::uint32_t listener);
  void refresh(Lane& lane);
  void put(std::size_t worker, Connection connection, Time now);
  void send_batch(std::size_t worker, Time now);
  void move_away(std::size_t worker, Time now);
  void nudge(Lane& lane, Time now);
  Duration patience_with(const Lane& lane) const;
  const Sent* oldest_movable(std::size_t worker) const;
  std::vector<Connection> receive_back(std::size_t worker);
  bool another_can_take(std::size_t worker, std::uint32_t listener);
  bool is_own_door(std::uint32_t listener) const { return listener >= listeners_; }
  std::size_t choose_for(const Connection& connection);
  void place_waiting(Time now);

  config::Pool pool_;
  const std::size_t listeners_;
  Scheduler scheduler_;
  std::deque<Lane> lanes_;  // one more moves none of the others
  Time cautious_until_{};
  Time offered_at_{};  // the latest
  // Accepted, with nobody to give them to; bounded by what was in channels and batches.
  std::deque<Connection> waiting_;
  std::vector<std::size_t> waiting_of_;  // by listener, then by door
};

}  // namespace roundhouse::edge
