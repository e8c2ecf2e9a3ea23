// The monitor process: answers scrapers and operators from what the edge and the workers write into
// shared memory.
//
// Peers: the edge, over the channel (slots come, commands go; end of file: the edge is dead, so
// this process ends too); whoever connects to the two listening sockets, which the edge owns, so
// that a restart of the monitor refuses nobody; the endpoints that it probes and the name servers
// that it asks, whose answers are hostile input too. Started without privileges; opens no file but
// in /proc and /sys, and what tells of name servers in /etc.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/error.h"
#include "config/options.h"
#include "ipc/channel.h"
#include "ipc/heritage.h"
#include "ipc/history_board.h"
#include "ipc/output_board.h"
#include "metrics/snapshot.h"
#include "monitor/certificate_expiry.h"
#include "monitor/control_api.h"
#include "monitor/endpoint_upkeep.h"
#include "monitor/event_watch.h"
#include "monitor/history_recorder.h"
#include "monitor/http_server.h"
#include "monitor/observer.h"
#include "monitor/worker_prober.h"
#include "net/event_loop.h"

namespace roundhouse::monitor {

// What of the configuration the metrics need.
metrics::Layout layout_of(const config::Configuration& configuration);

class Monitor final : private IoHandler {
 public:
  // `configuration` must outlive it.
  static Result<std::unique_ptr<Monitor>> create(ipc::Heritage heritage,
                                                 const config::Configuration& configuration);
  ~Monitor();

  // Until the edge has gone, or stop(). Error: the edge broke the protocol.
  Result<void> run();
  // Streams are told that they end.
  void stop();
  EventLoop& loop() { return *loop_; }

 private:
  // What one is made of, beside the loop.
  struct Parts {
    Observer observer;
    ipc::HistoryBoard history;
    ipc::OutputBoard output;
    UniqueFd channel;
    std::vector<std::string> allowed_hosts;
    std::vector<CertificateEnd> certificates;
    const config::Configuration& configuration;  // outlives it
  };
  Monitor(std::unique_ptr<EventLoop> loop, Parts parts);
  // `configuration` must outlive this.
  Result<void> keep_endpoints(const config::Configuration& configuration, UniqueFd board,
                              upstream::TlsContexts tls);
  Result<void> serve(std::vector<ipc::OwnedListener> listeners);
  void on_ready(Ready ready) override;
  Result<void> take_slots();
  void sample();
  void warn_of_expiry() const;
  bool send(const ipc::CommandMessage& message);

  std::unique_ptr<EventLoop> loop_;
  Observer observer_;
  ipc::Channel channel_;
  ipc::Message message_;
  IoWatcher watcher_;
  ipc::OutputBoard output_;
  ipc::HistoryBoard history_;
  HistoryRecorder recorder_;
  EventWatch events_;
  ControlApi api_;
  std::vector<std::unique_ptr<HttpServer>> servers_;
  std::uint32_t number_;  // of the configuration
  const std::vector<CertificateEnd> certificates_;
  Timer sampler_;
  Timer daily_;
  Timer ending_;
  std::unique_ptr<EndpointUpkeep> upkeep_;  // none where there are no upstreams, as is:
  std::unique_ptr<WorkerProber> worker_prober_;
  std::optional<Error> failure_;
};

// The process, from its heritage to its end.
Result<void> run_monitor(ipc::Heritage heritage);

}  // namespace roundhouse::monitor
