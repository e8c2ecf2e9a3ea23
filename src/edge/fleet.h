// What serves: the pools and acceptors that a configuration asks for, and how they become those of
// another one without a gap.
//
// A change is first prepared, which touches nothing that serves and says all that is in its way;
// then begun: new workers are started beside the old; and then committed, in one turn of the loop,
// or taken back.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/tls_ticket_key.h"
#include "config/options.h"
#include "config/rows.h"
#include "edge/acceptor.h"
#include "edge/certificate_report.h"
#include "edge/change.h"
#include "edge/pool.h"
#include "edge/private_sockets.h"
#include "ipc/board.h"
#include "ipc/endpoint_board.h"
#include "net/event_loop.h"

namespace roundhouse::edge {

class Fleet {
 public:
  // Called inside the loop.
  struct Signals {
    std::function<void(const std::string& pool)> failed;  // all its workers, at their first start
    std::function<void(std::size_t row, int fd)> slot;    // there is a new one
    std::function<void()> moved;                          // a rollout's state is another
  };
  using InForce = edge::InForce;
  using Change = edge::Change;

  // Binds everything and checks every command; starts nothing.
  static Result<std::unique_ptr<Fleet>> create(EventLoop& loop, config::Configuration configuration,
                                               std::uint64_t descriptors, Signals signals);
  ~Fleet();

  void start();
  void tick(Time now);
  bool reaped(pid_t pid, const ExitStatus& status, bool core, const rusage& usage, Time now);

  // Error: what is in the way, with kConfiguration or kSystem.
  Result<std::unique_ptr<Change>> prepare(config::Configuration next);
  Result<std::unique_ptr<Change>> prepare_restart(const std::string& pool, std::uint32_t worker);
  Result<std::unique_ptr<Change>> prepare_scale(const std::string& pool, std::uint32_t workers);
  void begin(Change& change);
  // All new workers that it waits for are ready.
  bool may_commit(const Change& change) const;
  // Nothing more will come of it.
  bool is_over(const Change& change) const;
  // "" if all went well; else why not, a line for each pool.
  std::string failures(const Change& change) const;
  // How far it is, once it has begun: "3 of 8 new workers serve".
  std::string progress(const Change& change) const;
  // What it does, in a line: "pool web: 4 new workers; pool app stays".
  std::string describe(const Change& change) const;
  void commit(Change& change);
  // What the monitor has counted of endpoints goes on with the configuration in force. REQUIRES: no
  // monitor runs.
  void carry_counts();
  void abort(Change& change);

  // The program stops, in this order.
  void expect_close();
  void close_to_clients();
  void stop_serving(Time now, Time deadline);
  bool serves_no_more() const;
  void stop_endpoints(Time now, Time deadline);
  bool all_gone() const;
  void kill(Time now);

  // Certificates in other files of the same names: workers that run have what can be used for the
  // handshakes from now on. Returns what has changed. REQUIRES: the report is on the
  // configuration in force, and no other one is about to be.
  Result<std::vector<CertificatePlace>> renew_certificates(const CertificateReport& report,
                                                           int material);
  // Of the workers that serve: how many have not said yet whether they can use the certificates
  // that they were given last, and who cannot, a line for each pool; "": nobody.
  std::size_t workers_owing_certificates() const;
  std::string certificate_refusals() const;
  void reopen_access_log();

  const InForce& in_force() const { return *in_force_; }
  const config::Configuration& configuration() const { return in_force_->configuration; }
  const ipc::Board& board() const { return board_; }
  OutputPlaces& output() { return *output_; }
  // What the monitor has seen of a worker. False: that is no such command.
  bool probed(const ipc::CommandMessage& command);
  void log_listeners() const;
  std::uint64_t connections() const { return connections_; }
  Result<const Identity*> identity_of(const std::string& user);

 private:
  using Views = std::vector<std::vector<Acceptor::SocketView>>;  // by listener

  Fleet(EventLoop& loop, std::uint64_t descriptors, Signals signals);
  Result<void> make_board(const config::Configuration& configuration);
  Result<std::shared_ptr<InForce>> make_in_force(config::Configuration configuration);
  Result<std::shared_ptr<const ipc::EndpointBoard>> make_endpoints(
      const config::Configuration& configuration) const;
  Result<Views> find_sockets(Change& change);
  using SocketViews = std::vector<Acceptor::SocketView>;
  Result<SocketViews> find_socket(Change& change, std::size_t listener, const Address& asked);
  SocketViews views_of(std::size_t listener, const Address& asked) const;
  std::optional<std::size_t> giver_of(const config::Configuration& next, std::size_t listener,
                                      const Address& asked) const;
  Result<void> plan_pool(Change& change, std::size_t index, const Views& views);
  void begin_pool(Change::PoolChange& change);
  Result<PoolSetting> setting_for(const std::shared_ptr<InForce>& in_force, std::size_t pool,
                                  const Views& views);
  Result<void> make_folder_for(const config::Configuration& configuration, const config::Pool& pool,
                               PoolSetting& setting);
  std::uint32_t requests_at(const std::vector<std::size_t>& first_endpoints,
                            std::size_t place) const;
  std::unique_ptr<Pool> make_pool(Pool::Generation generation);
  Result<void> place_begun(const std::string& pool, std::size_t place);
  Result<void> make_own_door(Pool& pool, std::size_t place);
  Result<void> seal_tls(InForce& made);
  Result<void> seal_parts(ipc::TlsMaterial& all, InForce& made);
  void hand_out_tls();
  void rotate_tickets(Time now);
  void close_what_goes(Change& change);
  void adopt_listeners(Change& change);
  void put_in_force(Change& change);
  template <typename Ask>
  bool all_rollouts(const Change& change, const Ask& ask) const;
  Pool* find_pool(const std::string& name) const;
  void resume_acceptors(const std::string& pool);
  void tell_turns(const std::string& pool);
  Acceptor* acceptor_for_returned(std::size_t listener) const;
  std::uint64_t wanted_back() const;
  bool takes_back(std::uint64_t listeners) const;
  void forget_what_has_gone();

  struct Door {
    std::string pool;
    std::size_t place;
    std::unique_ptr<Acceptor> acceptor;
  };

  EventLoop& loop_;
  const std::uint64_t descriptors_;  // RLIMIT_NOFILE
  const Signals signals_;
  ipc::Board board_;
  std::optional<config::Rows> rows_;
  std::vector<std::unique_ptr<Identity>> identities_;
  PrivateSockets private_sockets_;
  std::map<std::string, std::string> folders_;  // of private sockets, by pool
  std::unique_ptr<OutputPlaces> output_;
  std::shared_ptr<InForce> in_force_;
  std::shared_ptr<const ipc::EndpointBoard> endpoints_before_;  // whose counts are not carried yet
  std::vector<std::unique_ptr<Pool>> pools_;    // of the configuration in force, and those on trial
  std::vector<std::unique_ptr<Pool>> leaving_;  // of those before
  std::vector<std::unique_ptr<Acceptor>> acceptors_;  // by listener; none of those that are gone
  std::vector<Door> own_doors_;                       // of Node workers that proxies forward to
  ipc::ListenerRow own_doors_row_;                    // of all of them; on no board
  std::optional<TlsTicketKeys> tickets_;              // as soon as somebody speaks TLS
  Time tickets_since_{};
  std::uint64_t tls_number_ = 0;                       // of the last certificates
  std::set<std::size_t> told_slots_;                   // by row
  std::map<std::string, std::uint32_t> most_workers_;  // that a pool has had
  std::uint32_t generations_ = 0;
  bool running_ = false;
  bool closing_ = false;
  std::uint64_t connections_ = 0;        // of clients
  std::uint64_t proxy_connections_ = 0;  // of proxies, at own doors
};

}  // namespace roundhouse::edge
