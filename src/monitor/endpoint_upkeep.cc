#include "monitor/endpoint_upkeep.h"

#include <algorithm>
#include <utility>

namespace roundhouse::monitor {

Result<std::unique_ptr<EndpointUpkeep>> EndpointUpkeep::create(
    EventLoop& loop, const config::Configuration& configuration, UniqueFd board,
    upstream::TlsContexts tls) {
  std::unique_ptr<EndpointUpkeep> upkeep(new EndpointUpkeep(
      loop, configuration, TRY(EndpointKeeper::create(std::move(board))), std::move(tls)));
  const bool names = std::ranges::any_of(configuration.upstreams, [](const auto& upstream) {
    return !upstream.dns.empty() || !upstream.srv.empty();
  });
  if (!names) return upkeep;
  upkeep->client_ = TRY(DnsClient::create(loop, configuration.resolver));
  upkeep->resolver_ = std::make_unique<Resolver>(
      Resolver::Parts{.loop = loop,
                      .client = *upkeep->client_,
                      .keeper = upkeep->keeper_,
                      .changed = [prober = &upkeep->prober_] { prober->follow(); }},
      configuration.upstreams);
  return upkeep;
}

EndpointUpkeep::EndpointUpkeep(EventLoop& loop, const config::Configuration& configuration,
                               EndpointKeeper keeper, upstream::TlsContexts tls)
    : keeper_(std::move(keeper)),
      prober_({.loop = loop,
               .upstreams = configuration.upstreams,
               .keeper = keeper_,
               .probes_max = probes_that_fit(),
               .tls = std::move(tls)}) {}

void EndpointUpkeep::start() {
  prober_.follow();
  if (resolver_) resolver_->start();
}

}  // namespace roundhouse::monitor
