// Finds out what has happened by comparing what the monitor sees with what it has told: events,
// which it writes on the history board.
//
// A monitor goes on where the one before it ended: what that has told is found on the board, and
// what was long before its last look is told too. Without I/O; told the time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "ipc/history_board.h"
#include "ipc/operation.h"
#include "metrics/snapshot.h"

namespace roundhouse::monitor {

class EventWatch {
 public:
  // `board` must outlive it.
  explicit EventWatch(const ipc::HistoryBoard& board);

  // `wall`: Unix time.
  void look(const metrics::Snapshot& snapshot, std::span<const ipc::Operation> operations,
            double wall);

 private:
  struct Worker {
    std::int32_t started_pid = 0;
    std::int32_t ready_pid = 0;
    double exit_at = 0;
    std::optional<ipc::WorkerState> state;
  };

  void recall();
  // Whether what was at this time needs no telling.
  bool is_past(double at) const { return at < told_until_; }
  void tell(ipc::Event event);
  void look_at_instance(const metrics::Snapshot& snapshot, double wall);
  void look_at_worker(const std::string& name, const metrics::WorkerValues& worker, double wall);
  void look_at_exits(const std::string& name, const metrics::WorkerValues& worker);
  void look_at_listener(const metrics::ListenerValues& listener, double wall);
  void look_at_endpoint(const metrics::EndpointValues& endpoint, double wall);
  void look_at_operation(const ipc::Operation& operation);
  void forget_those_that_left(const metrics::Snapshot& snapshot,
                              std::span<const ipc::Operation> operations);

  const ipc::HistoryBoard& board_;
  double told_until_;
  std::vector<ipc::Event> news_;  // of this look
  bool first_ = true;
  bool instance_told_ = false;
  bool stopping_told_ = false;
  std::map<std::string, Worker> workers_;
  std::map<std::string, bool> healthy_;             // by endpoint
  std::map<std::string, std::uint64_t> ejections_;  // as is this
  std::map<std::string, bool> paused_;              // by listener
  std::set<std::uint64_t> operations_;              // tickets
};

}  // namespace roundhouse::monitor
