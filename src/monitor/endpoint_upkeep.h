// Everything that keeps the endpoint board true: names are resolved, endpoints are probed.
#pragma once

#include <memory>
#include <vector>

#include "base/error.h"
#include "config/options.h"
#include "monitor/dns_client.h"
#include "monitor/endpoint_keeper.h"
#include "monitor/prober.h"
#include "monitor/resolver.h"
#include "net/event_loop.h"

namespace roundhouse::monitor {

class EndpointUpkeep {
 public:
  // Takes the board. `tls`: to the upstreams. `loop` and `configuration` must outlive it.
  static Result<std::unique_ptr<EndpointUpkeep>> create(EventLoop& loop,
                                                        const config::Configuration& configuration,
                                                        UniqueFd board, upstream::TlsContexts tls);

  // The first look-ups and probes.
  void start();
  const ipc::EndpointBoard& board() const { return keeper_.board(); }
  EndpointKeeper& keeper() { return keeper_; }

 private:
  EndpointUpkeep(EventLoop& loop, const config::Configuration& configuration, EndpointKeeper keeper,
                 upstream::TlsContexts tls);

  EndpointKeeper keeper_;
  Prober prober_;
  std::unique_ptr<DnsClient> client_;  // none where no upstream has a name
  std::unique_ptr<Resolver> resolver_;
};

}  // namespace roundhouse::monitor
