// The primary: the library's edge. It starts and reaps workers, owns what they listen on, passes
// their words to the program.
//
// It puts together what the program's edge is made of (a Pool with its Supervisor and Dispatcher,
// Acceptors, a Board) and answers for the library's own: ids, lines, events.
#pragma once

#include <roundhouse/cluster.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cluster/member_handle.h"
#include "cluster/process_watch.h"
#include "cluster/records.h"
#include "cluster/runtime.h"
#include "cluster/shared_listeners.h"
#include "edge/pool.h"
#include "ipc/board.h"

namespace roundhouse::membership {

class Primary final : private MemberHandle::Owner {
 public:
  // The runtime outlives it.
  explicit Primary(Runtime& runtime);
  ~Primary();

  cluster::Result<void> set_up(cluster::Settings settings);
  const cluster::Settings& settings() const { return settings_; }
  cluster::Result<void> set_policy(cluster::Scheduling policy);
  cluster::Scheduling policy() const;

  cluster::Result<cluster::Worker> start_worker(const cluster::Environment& environment);
  cluster::Result<void> send(const WorkerRecord& record, std::string_view bytes, int descriptor);
  cluster::Result<void> disconnect(WorkerRecord& record);
  cluster::Result<void> kill(const WorkerRecord& record, int signal);
  void disconnect_all(std::function<void()> when_all_gone);
  // Those not gone, by id.
  std::vector<cluster::Worker> workers() const;

  // Until no worker is left and none will be started, or the loop is stopped.
  void run();

 private:
  // What the primary knows of a place.
  struct Seat {
    MemberHandle* handle = nullptr;  // the pool's
    cluster::Environment environment;
    std::shared_ptr<WorkerRecord> coming;  // of the process that is being started
    std::shared_ptr<WorkerRecord> record;  // of the one that lives there, until its exit was told
    std::unique_ptr<ProcessWatch> watch;   // of that
  };

  std::vector<std::string> variables_for(std::size_t place) override;
  void on_started(std::size_t place, pid_t pid) override;
  void on_said(std::size_t place, LineHeader header, std::span<const std::byte> content,
               UniqueFd descriptor) override;
  void on_line_ended(std::size_t place) override;

  Result<void> create_pool();
  Result<std::size_t> free_place();
  Result<std::unique_ptr<edge::WorkerHandle>> make_handle(std::size_t place,
                                                          edge::WorkerHandle::Listener& listener);
  void set_program(std::size_t place, edge::Program& program) const;
  void on_listen(std::size_t place, LineHeader header, std::span<const std::byte> content);
  void on_listening(std::size_t place, std::uint32_t listener);
  void on_leave(std::size_t place, std::uint32_t how);
  void retire(std::size_t place);
  void reap(std::size_t place);
  void on_exit(std::size_t place, const edge::ExitStatus& status);
  void tell_disconnected(const std::shared_ptr<WorkerRecord>& record);
  MemberHandle* handle_of(const WorkerRecord& record) const;
  bool is_over() const;
  void finish_if_over();
  void tick();

  Runtime& runtime_;
  cluster::Settings settings_;
  std::optional<cluster::Scheduling> policy_;
  std::vector<std::string> own_arguments_;  // argv, [0] included
  std::unique_ptr<edge::Identity> identity_;
  UniqueFd terms_;
  ipc::Board board_;
  std::deque<Seat> seats_;            // by place
  std::unique_ptr<edge::Pool> pool_;  // from the first fork on
  std::unique_ptr<SharedListeners> listeners_;
  std::uint64_t descriptors_ = 0;  // RLIMIT_NOFILE
  Timer ticker_;
  int last_id_ = 0;
  std::vector<std::function<void()>> when_all_gone_;
};

}  // namespace roundhouse::membership
