// The handler of proxy workers: each request takes its route.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "config/options.h"
#include "ipc/endpoint_board.h"
#include "ipc/limits.h"
#include "ipc/slot.h"
#include "net/deadline_queue.h"
#include "net/descriptor_allowance.h"
#include "net/event_loop.h"
#include "net/tls_client_context.h"
#include "proxy/exchange.h"
#include "proxy/forwarded_request.h"
#include "proxy/handler.h"
#include "proxy/rate_limiter.h"
#include "proxy/router.h"
#include "upstream/cluster.h"
#include "upstream/endpoint_source.h"
#include "upstream/pool_watch.h"

namespace roundhouse::proxy {

// Outlives its exchanges.
class Proxy final : public Handler {
 public:
  struct Parts {
    EventLoop& loop;
    DeadlineQueue& deadlines;
    ipc::Slot& slot;
    const config::Configuration& configuration;  // checked; must outlive this
    ipc::EndpointBoard endpoints;
    ipc::Limits* limits = nullptr;  // those shared with other workers; nullptr: none
    ipc::Board pools = {};          // where an upstream is a pool
    // Of pipes and idle connections; nullptr: they may be as many as their own limits say.
    DescriptorAllowance* descriptors = nullptr;
    // TLS to an upstream, by its index; nullptr, or none: it is spoken to in plain text.
    std::function<const TlsClientContext*(std::size_t upstream)> find_tls = {};
  };

  explicit Proxy(Parts parts);

  std::uint64_t body_limit(const Client& client) override;
  std::unique_ptr<Exchange> on_request(Client& client) override;

  // Descriptors are wanted for something better: closes what nobody uses now.
  void give_way();

  // nullptr: there is no such upstream.
  upstream::Cluster* find_cluster(std::string_view upstream);

 private:
  // What a request was found to want, before anything is done.
  struct Verdict {
    http::Failure failure = http::Failure::kNone;  // it is refused
    std::optional<std::size_t> route;
    std::string_view path;  // in normal form, in path_
  };

  // The endpoints that are workers of pools, where the edge has changed any.
  void refresh_pools();
  Verdict judge(const Client& client);
  std::unique_ptr<Exchange> refuse(Client& client, http::Failure failure,
                                   Duration retry_after = {});
  std::size_t row_of(std::optional<std::size_t> route) const;
  void count_answer(const Client& client, int status);
  std::unique_ptr<Exchange> forward(Client& client, const RequestFacts& facts);
  std::uint64_t hash_of(const config::Upstream& upstream, const RequestFacts& facts) const;

  Parts parts_;
  Router router_;
  RateLimiter rate_limiter_;
  std::vector<std::unique_ptr<upstream::Cluster>> clusters_;  // in the configuration's order
  upstream::EndpointSource endpoints_;
  ExchangeHost host_;
  upstream::PoolWatch pools_;
  Timer refresher_;
  std::mt19937_64 random_{std::random_device()()};
  std::vector<char> path_;  // scratch
  Verdict verdict_;         // of the request that body_limit() was asked about last
};

}  // namespace roundhouse::proxy
