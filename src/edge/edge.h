// The edge: one process, one thread. It owns the listening sockets, starts and reaps every other
// process, gives out connections. It never reads a byte that a client or a scraper sent.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/options.h"
#include "edge/certificate_watch.h"
#include "edge/fleet.h"
#include "edge/monitor_handle.h"
#include "edge/operations.h"
#include "ipc/history_board.h"
#include "net/event_loop.h"

namespace roundhouse::edge {

class Edge {
 public:
  struct Setting {
    config::Configuration configuration;
    std::string configuration_source;    // for the start line and the status
    std::vector<std::string> arguments;  // of this program, to read the configuration anew
    // What of a configuration depends on this process; called with the first one too.
    std::function<void(config::Configuration&)> settle;
    std::optional<Address> control_socket;  // none: no control socket
  };
  // Binds everything and checks every command; starts nothing. Errors name the thing, exit code 71.
  static Result<std::unique_ptr<Edge>> create(Setting setting);

  // Until the stop is complete. Error: all workers of a pool failed at first start.
  Result<void> run();

 private:
  Edge(Setting setting, std::unique_ptr<EventLoop> loop);
  Result<void> prepare();
  Result<void> create_monitor();
  void on_put_in_force();
  void configure_monitor();
  bool obey(const ipc::CommandMessage& command);
  void log_start() const;
  void watch_signals();

  void tick();
  void reap();
  void on_child_exit(pid_t pid, int wait_status, const rusage& usage);

  enum class Phase { kRunning, kDelaying, kDraining, kFinishing };
  void on_stop_request(const std::string& asked_by, bool delay);
  void begin_drain();
  void kill_now(const std::string& asked_by);
  void kill_everything();
  void finish_if_done();
  Time stop_deadline() const { return stop_began_ + fleet_->configuration().shutdown.deadline; }
  ipc::BoardHeader& header() const { return fleet_->board().header(); }

  Setting setting_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<Fleet> fleet_;
  std::unique_ptr<Operations> operations_;
  std::unique_ptr<CertificateWatch> certificates_;
  ipc::HistoryBoard history_;  // the monitor's
  std::unique_ptr<MonitorHandle> monitor_;
  std::uint64_t descriptors_ = 0;  // RLIMIT_NOFILE
  std::string monitor_url_;        // empty: the monitor has no TCP socket
  std::vector<std::unique_ptr<SignalWatcher>> signals_;
  Timer ticker_;
  Timer delay_;
  Phase phase_ = Phase::kRunning;
  Time stop_began_{};
  bool endpoints_stopping_ = false;  // the workers that proxies forward to, once those are gone
  std::uint64_t oom_kills_ = 0;
  std::optional<Error> failure_;
};

}  // namespace roundhouse::edge
