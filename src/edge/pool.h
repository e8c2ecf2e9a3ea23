// One pool at work: carries out what its supervisor decides, hands its connections to its
// dispatcher, and writes both on the board.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "edge/dispatcher.h"
#include "edge/exit_report.h"
#include "edge/kernel_turns.h"
#include "edge/node_listens.h"
#include "edge/peer_watch.h"
#include "edge/program_output.h"
#include "edge/spawn.h"
#include "edge/supervisor.h"
#include "edge/worker_handle.h"
#include "ipc/board.h"
#include "ipc/heritage.h"
#include "ipc/limits.h"
#include "ipc/messages.h"
#include "net/event_loop.h"

namespace roundhouse::edge {

class Pool final : private WorkerHandle::Listener {
 public:
  struct Setting {
    const ipc::Board* board = nullptr;
    std::size_t first_row = 0;  // of its workers on the board
    bool is_only_pool = true;   // its workers need no more than their number
    std::size_t listeners = 0;  // of the whole configuration
    int configuration_fd = -1;  // borrowed
    int endpoints_fd = -1;      // borrowed, read-only; for workers of type proxy
    const Identity* identity = nullptr;
    int access_log = -1;  // what built-in workers write to; borrowed; -1: no access log
    std::optional<ipc::Limits::Shape> limits;  // that its workers share
    OutputPlaces* output = nullptr;            // of programs; outlives the pool
    std::vector<ipc::InheritedListener>
        sockets;  // policy none: what the workers accept from; borrowed
    // Policy rr_kernel: the same for each place.
    std::vector<std::vector<ipc::InheritedListener>> own_sockets;
    std::vector<ServedListener> served;  // those that lead to the pool
    std::string socket_names;            // of these: their listeners, ":" between them
    std::string folder;                  // of the private sockets of a foreign program
    bool proxied = false;                // its workers are endpoints of an upstream
    bool reads_board = false;            // proxies: an upstream of theirs is a pool
    // Of one of its workers, at all proxies together.
    std::function<std::uint32_t(std::size_t place)> requests_in_flight;
  };
  // A pool whose owner adds its places and starts their workers one by one: the room `cluster`.
  // What is asked here is asked inside calls of the pool, which must not be called from there.
  struct Embedding {
    std::function<Result<std::unique_ptr<WorkerHandle>>(std::size_t place,
                                                        WorkerHandle::Listener& listener)>
        make_handle;
    // What the worker of a place runs: its path, arguments, folder and identity.
    std::function<void(std::size_t place, Program& program)> set_program;
    std::function<void(std::size_t place, const ExitStatus& status)> exited;
    bool respawns = false;  // a worker that ends unasked is replaced
  };
  // What the edge wants to hear. Called inside the loop.
  struct Signals {
    std::function<void()> room;    // there may be room again: listeners of this pool can resume
    std::function<void()> failed;  // every worker failed at its first start
    std::function<void()> turns;   // policy rr_kernel: others are in turn now
  };

  // Error: a command that does not exist, no memory.
  static Result<std::unique_ptr<Pool>> create(EventLoop& loop, const config::Pool& options,
                                              Setting setting, Signals signals);

  // Without places, whatever options.workers says; at most as many as the board, which may be
  // sparse, has rows behind first_row.
  static Result<std::unique_ptr<Pool>> create_embedded(EventLoop& loop, const config::Pool& options,
                                                       Setting setting, Signals signals,
                                                       Embedding embedding);

  void start();
  // Embedded: one more place, behind the others; a worker at a place that has none; the end of a
  // worker, which nobody replaces.
  Result<void> add_place();
  Result<void> start_worker(std::size_t place);
  void retire_worker(std::size_t place, Time deadline);

  void tick(Time now);
  // True if the process was a worker of this pool.
  bool reaped(pid_t pid, ExitStatus status, bool core_dumped, const rusage& usage, Time now);

  // What the monitor has seen of a worker of which it asks something. False: that is no such
  // command.
  bool probed(std::size_t place, const ipc::CommandMessage& command);

  // What comes in at a door that is shut has room, and is closed: a proxy asks another worker then,
  // instead of waiting here for one that may not come.
  bool has_room(std::uint32_t listener) {
    return is_shut_door(listener) || dispatcher_.has_room(listener);
  }
  void offer(Connection connection);
  std::uint64_t connections_of(
      std::uint32_t listener) const;  // open at workers, or on their way there
  std::uint64_t open_at_workers(std::uint32_t listener) const;  // as they say

  // Policy rr_kernel: whom the kernel is to give connections to.
  const std::optional<KernelTurns>& turns() const { return turns_; }
  // Workers that run, and those started from now on, write there. Borrowed, until the next one.
  void set_access_log(int fd);

  // Connections that come in at the private socket of one worker are those of this listener.
  std::uint32_t own_door_of(std::size_t place) const {
    return static_cast<std::uint32_t>(setting_.listeners + place);
  }
  bool is_own_door(std::uint32_t listener) const { return listener >= setting_.listeners; }

  // Requests in flight at an endpoint of the proxies that are these workers.
  std::uint32_t requests_at(std::size_t endpoint_row) const;

  void stop(Time now, Time deadline);
  void kill();
  bool all_gone() const { return supervisor_.all_gone(); }

  bool is_proxied() const { return setting_.proxied; }

  const config::Pool& options() const { return options_; }
  std::size_t size() const { return handles_.size(); }
  // A process runs there, or will without anybody's asking.
  bool is_occupied(std::size_t place) const;
  int slot_fd(std::size_t place) const { return handles_[place]->slot_fd(); }

 private:
  Pool(EventLoop& loop, const config::Pool& options, Setting setting, Signals signals,
       std::optional<Embedding> embedding = std::nullopt);
  void on_ready_notice(std::size_t place) override;
  void on_draining_notice(std::size_t place) override;
  void on_room_notice(std::size_t place) override;
  void on_breach(std::size_t place) override;
  void on_door_notice(std::size_t place) override;
  void on_turned_away(std::size_t place, std::uint64_t sequence, Connection connection) override;

  Result<std::unique_ptr<WorkerHandle>> make_handle(std::size_t place);
  void carry_out(const Actions& actions);
  void start_process(std::size_t place);
  Result<pid_t> spawn_worker(std::size_t place, Time now);
  Program program_for(std::size_t place, WorkerHandle::Inheritance given) const;
  std::string last_words_of(std::size_t place, pid_t pid, std::size_t exit);
  std::string name_of(std::size_t place) const;  // for the log
  void hand_out_access_log();
  void flush_later();
  void warn_of_one_peer(const PeerWatch::Finding& found) const;
  void watch_untaken();
  void set_serving(std::size_t place, bool serving);
  bool is_shut_door(std::uint32_t listener) const;
  bool is_shut(std::size_t place) const;
  void watch_turns();
  Observation observe(std::size_t place, Time now) const;
  void publish(std::size_t place);
  ipc::WorkerRow& row(std::size_t place) const {
    return setting_.board->worker(setting_.first_row + place);
  }
  std::uint32_t id(std::size_t place) const { return static_cast<std::uint32_t>(place + 1); }

  // What is kept of a place besides.
  struct Place {
    std::string probe_saw;                      // of the running process, last and not well
    std::optional<ExitReason> replaced_reason;  // why the last process ended
    bool wants_access_log = false;              // it runs and has the one before
  };

  EventLoop& loop_;
  const config::Pool options_;
  const Setting setting_;
  const Signals signals_;
  const std::optional<Embedding> embedding_;
  std::string executable_;
  std::optional<ipc::Limits> limits_;
  std::unique_ptr<NodeListens> node_listens_;  // of a pool of Node programs
  std::vector<std::unique_ptr<WorkerHandle>> handles_;
  std::vector<std::unique_ptr<ProgramOutput>> outputs_;  // none of built-in workers
  Supervisor supervisor_;
  Dispatcher dispatcher_;
  std::optional<PeerWatch> peers_;  // of policy sticky
  std::vector<Place> places_;
  Timer untaken_timer_;
  std::optional<KernelTurns> turns_;
  Timer turns_timer_;
  int access_log_;
  bool flush_is_due_ = false;
  std::optional<Error> start_failure_;  // of the latest start
  Time next_search_{};                  // for ports that a worker was not given
};

}  // namespace roundhouse::edge
