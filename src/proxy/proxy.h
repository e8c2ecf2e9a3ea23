// The handler of proxy workers: each request goes to an endpoint of the upstream.
#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "config/options.h"
#include "ipc/endpoint_board.h"
#include "ipc/slot.h"
#include "net/deadline_queue.h"
#include "net/event_loop.h"
#include "proxy/exchange.h"
#include "proxy/handler.h"
#include "upstream/cluster.h"
#include "upstream/endpoint_source.h"

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
  };

  explicit Proxy(Parts parts);

  std::unique_ptr<Exchange> on_request(Client& client) override;

 private:
  http::Failure refusal_of(const http::Request& request);
  std::uint64_t hash_of(const Client& client) const;

  Parts parts_;
  const config::Upstream& upstream_;
  upstream::Cluster cluster_;
  upstream::EndpointSource endpoints_;
  ExchangeHost host_;
  std::mt19937_64 random_{std::random_device()()};
  std::vector<char> path_;  // scratch
};

}  // namespace roundhouse::proxy
