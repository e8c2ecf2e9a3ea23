// One pool at work: carries out what its supervisor decides, hands its connections to its
// dispatcher, and writes both on the board. How its workers are replaced a rollout says.
//
// A worker id has several places, for a process of each generation that may run at once; one of
// them is that of the worker, and in the others processes drain, or are on trial.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "edge/certificate_ledger.h"
#include "edge/dispatcher.h"
#include "edge/exit_report.h"
#include "edge/kernel_turns.h"
#include "edge/peer_watch.h"
#include "edge/pool_setting.h"
#include "edge/program_output.h"
#include "edge/rollout.h"
#include "edge/spawn.h"
#include "edge/supervisor.h"
#include "edge/worker_handle.h"
#include "ipc/board.h"
#include "ipc/heritage.h"
#include "ipc/messages.h"
#include "net/event_loop.h"

namespace roundhouse::edge {

class Pool final : private WorkerHandle::Listener {
 public:
  using Generation = std::shared_ptr<PoolGeneration>;

  Pool(EventLoop& loop, Generation generation, PoolSignals signals,
       std::optional<PoolEmbedding> embedding = std::nullopt);
  // Embedded: without places, whatever options.workers says; at most as many as the board, which
  // may be sparse, has rows.
  static Result<std::unique_ptr<Pool>> create_embedded(EventLoop& loop, const config::Pool& options,
                                                       PoolSetting setting, PoolSignals signals,
                                                       PoolEmbedding embedding);

  void start();
  // Embedded: one more place, behind the others; a worker at a place that has none; the end of a
  // worker, which nobody replaces.
  Result<void> add_place();
  Result<void> start_worker(std::size_t place);
  void retire_worker(std::size_t place, Time deadline);

  // Others in place of the workers that there are, or more, or fewer. Of `next` the options are in
  // force from the commit on. signals.rollout_moved is called when the rollout's state is another.
  // REQUIRES: no rollout is running.
  void begin_rollout(Generation next, Rollout::Plan plan);
  void commit_rollout();
  void abort_rollout();
  const Rollout* rollout() const { return rollout_ ? &*rollout_ : nullptr; }
  const std::string& loss() const { return loss_; }  // why its new worker was; empty: none was
  void adopt(Generation next);  // options that concern the edge alone are in force at once

  void tick(Time now);
  // True if the process was a worker of this pool.
  bool reaped(pid_t pid, ExitStatus status, bool core_dumped, const rusage& usage, Time now);
  // What the monitor has seen of the process of a worker. False: that is no such command.
  bool probed(const ipc::CommandMessage& command);

  // What comes in at a door that is shut has room, and is closed: a proxy asks another worker then,
  // instead of waiting here for one that may not come.
  bool has_room(std::uint32_t listener) {
    return is_shut_door(listener) || dispatcher_.has_room(listener);
  }
  void offer(Connection connection);
  // What draining workers give back is looked at again.
  void hear_returned();
  std::uint64_t connections_of(std::uint32_t listener) const;   // at workers, or on their way
  std::uint64_t open_at_workers(std::uint32_t listener) const;  // as they say

  // Policy rr_kernel: whom the kernel is to give connections to, by worker: 0 is that of id 1.
  const std::optional<KernelTurns>& turns() const { return turns_; }
  // Of workers that run, and of those started later. Borrowed, until the next.
  void set_access_log(int fd) { set_file(ipc::MessageType::kAccessLog, fd); }
  void set_certificates(int fd, std::uint64_t number);
  const CertificateLedger& certificates() const { return certificates_; }

  // Connections that come in at the private socket of one worker are those of this listener.
  static std::uint32_t own_door_of(std::size_t place) {
    return static_cast<std::uint32_t>(ipc::kMaxListeners + place);
  }
  static bool is_own_door(std::uint32_t listener) { return listener >= ipc::kMaxListeners; }

  // Requests in flight at an endpoint of the proxies that are these workers.
  std::uint32_t requests_at(std::size_t endpoint_row) const;

  void stop(Time now, Time deadline);
  // It is no more of the configuration in force: its workers drain, and none is started again.
  void leave(Time now);
  void kill();
  bool all_gone() const { return supervisor_.all_gone(); }

  bool is_proxied() const { return setting().proxied; }
  const config::Pool& options() const { return *current_->options; }
  const Generation& generation() const { return current_; }
  std::size_t places() const { return places_.size(); }
  // A process runs there, or will without anybody's asking.
  bool is_occupied(std::size_t place) const;
  // Of a place that has been used, as is:
  const PoolGeneration& generation_at(std::size_t at) const { return *places_[at].generation; }
  int slot_fd(std::size_t place) const { return places_[place].handle->slot_fd(); }

 private:
  // What is kept of a place besides what its supervisor and its dispatcher know.
  struct Place {
    Generation generation;                      // of its handle
    std::unique_ptr<WorkerHandle> handle;       // none: never used
    std::unique_ptr<ProgramOutput> output;      // none of built-in workers
    std::string probe_saw;                      // of the running process, last and not well
    std::optional<ExitReason> replaced_reason;  // why the last process ended
    std::set<ipc::MessageType> wants;           // files that it has the ones before of
    bool on_trial = false;                      // it gets no connections
  };

  void on_ready_notice(std::size_t place) override;
  void on_draining_notice(std::size_t place) override;
  void on_room_notice(std::size_t place) override;
  void on_breach(std::size_t place) override;
  void on_door_notice(std::size_t place) override;
  void on_turned_away(std::size_t place, std::uint64_t sequence, Connection connection) override;
  bool wants_returned(std::size_t place, std::uint64_t listeners) override;
  void on_returned(std::size_t place, Connection connection) override;
  void on_tls_answer(std::size_t place, std::uint64_t number, const std::string& refusal) override;

  Result<void> equip(std::size_t place, const Generation& generation);
  Result<std::unique_ptr<WorkerHandle>> make_handle(std::size_t place,
                                                    const PoolGeneration& generation);
  void carry_out(const Actions& actions);
  void carry_out(const Rollout::Steps& steps);
  void try_worker(std::uint32_t id);
  void start_waiting();
  std::optional<std::size_t> free_place_of(std::uint32_t id) const;
  void make_room_for(std::uint32_t id);
  void let_serve(std::uint32_t id);
  void retire_old(std::uint32_t id);
  void drop(std::uint32_t id);
  void tell_rollout_of_end(std::size_t place, const std::string& why);
  void drain(const Action& action);
  void start_process(std::size_t place);
  Result<pid_t> spawn_worker(std::size_t place, Time now);
  Program program_for(std::size_t place, WorkerHandle::Inheritance given) const;
  std::string last_words_of(std::size_t place, pid_t pid, std::size_t exit);
  std::string name_of(std::size_t place) const;  // for the log
  void set_file(ipc::MessageType what, int fd);
  bool takes_files(std::size_t place) const;
  void hand_out_files();
  void flush_later();
  void warn_of_one_peer(const PeerWatch::Finding& found) const;
  void watch_untaken();
  void set_serving(std::size_t place, bool serving);
  bool is_shut_door(std::uint32_t listener) const;
  bool is_shut(std::size_t place) const;
  // What workers on trial are started with.
  const Generation& of_trials() const { return next_ == nullptr ? current_ : next_; }
  void set_up_turns();
  void watch_turns();
  Observation observe(std::size_t place, Time now) const;
  void publish(std::size_t place);
  ipc::WorkerRow& row(std::size_t place) const {
    return setting().board->worker(options().rows.first + place);
  }
  std::uint32_t id(std::size_t place) const { return options().rows.id_of(place); }
  const PoolSetting& setting() const { return current_->setting; }
  // Where the worker of this id is; of what is not used yet its first place.
  std::size_t& place_of(std::uint32_t id) { return worker_places_[id - 1]; }

  EventLoop& loop_;
  const PoolSignals signals_;
  const std::optional<PoolEmbedding> embedding_;
  Generation current_;
  std::vector<Place> places_;
  std::vector<std::size_t> used_;           // of these, in the order of their first use
  std::vector<std::size_t> worker_places_;  // by id
  Supervisor supervisor_;
  Dispatcher dispatcher_;
  CertificateLedger certificates_;
  std::optional<PeerWatch> peers_;  // of policy sticky
  Timer untaken_timer_;
  std::optional<KernelTurns> turns_;
  Timer turns_timer_;
  bool flush_is_due_ = false;
  std::optional<Error> start_failure_;  // of the latest start
  Time next_search_{};                  // for ports that a worker was not given

  std::optional<Rollout> rollout_;             // the last one
  Generation next_;                            // of that, until its commit
  std::vector<std::size_t> trials_;            // places of its workers that do not serve yet
  std::vector<std::size_t> retiring_;          // those whose successors have just begun to serve
  std::set<std::uint32_t> waiting_for_place_;  // ids
  std::string loss_;
};

}  // namespace roundhouse::edge
