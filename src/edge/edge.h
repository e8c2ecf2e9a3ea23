// The edge: one process, one thread. It owns the listening sockets, starts and reaps every other
// process, gives out connections. It never reads a byte that a client or a scraper sent.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/options.h"
#include "edge/acceptor.h"
#include "edge/monitor_handle.h"
#include "edge/pool.h"
#include "edge/private_sockets.h"
#include "ipc/board.h"
#include "ipc/endpoint_board.h"
#include "net/event_loop.h"

namespace roundhouse::edge {

class Edge {
 public:
  struct Setting {
    config::Configuration configuration;
    std::string configuration_source;       // for the start line and the status
    std::string configuration_text;         // for the children
    std::optional<Address> control_socket;  // none: no control socket
  };
  // Binds everything and checks every command; starts nothing. Errors name the thing, exit code 71.
  static Result<std::unique_ptr<Edge>> create(Setting setting);

  // Until the stop is complete. Error: all workers of a pool failed at first start.
  Result<void> run();

 private:
  Edge(Setting setting, std::unique_ptr<EventLoop> loop);
  Result<void> prepare();
  Result<void> create_pools();
  Result<Pool::Setting> setting_for(std::size_t pool, std::size_t first_row,
                                    const std::vector<Acceptor::Sockets>& sockets);
  Result<void> make_folder_for(const config::Pool& pool, Pool::Setting& setting);
  std::uint32_t requests_at(const std::vector<std::size_t>& first_endpoints,
                            std::size_t place) const;
  Result<void> create_acceptors(std::vector<Acceptor::Sockets> sockets);
  Result<void> create_own_doors(Pool& pool, std::size_t first_row);
  Result<void> create_monitor();
  Result<const Identity*> identity_of(const std::string& user);
  void reopen_access_log();
  bool obey(const ipc::CommandMessage& command);
  void log_start() const;

  void tick();
  void reap();
  void on_child_exit(pid_t pid, int wait_status, const rusage& usage);
  void resume_acceptors(const std::string& pool);
  void tell_turns(const std::string& pool);

  enum class Phase { kRunning, kDelaying, kDraining, kFinishing };
  void on_stop_request(const std::string& asked_by, bool delay);
  void begin_drain();
  void kill_now(const std::string& asked_by);
  void kill_everything();
  void stop_endpoints();
  void finish_if_done();

  Setting setting_;
  std::unique_ptr<EventLoop> loop_;
  std::vector<std::unique_ptr<Identity>> identities_;
  ipc::Board board_;
  ipc::EndpointBoard endpoints_;  // none where there are no upstreams
  UniqueFd endpoints_for_workers_;
  PrivateSockets private_sockets_;
  std::unique_ptr<OutputPlaces> output_;
  UniqueFd configuration_fd_;
  UniqueFd access_log_;  // none: nobody writes one
  std::vector<std::unique_ptr<Pool>> pools_;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;  // by listener
  std::vector<std::unique_ptr<Acceptor>> own_doors_;  // of Node workers that proxies forward to
  ipc::ListenerRow own_doors_row_;                    // of all of them; on no board
  std::unique_ptr<MonitorHandle> monitor_;
  std::uint64_t descriptors_ = 0;  // RLIMIT_NOFILE
  std::string metrics_url_;        // empty: the monitor has no TCP socket
  std::vector<std::unique_ptr<SignalWatcher>> signals_;
  Timer ticker_;
  Timer delay_;
  Phase phase_ = Phase::kRunning;
  Time stop_began_{};
  bool endpoints_stopping_ = false;      // the workers that proxies forward to, once those are gone
  std::uint64_t connections_ = 0;        // of clients
  std::uint64_t proxy_connections_ = 0;  // of proxies, at own doors
  std::uint64_t oom_kills_ = 0;
  std::optional<Error> failure_;
};

}  // namespace roundhouse::edge
