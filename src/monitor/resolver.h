// Keeps the endpoints of upstreams that are given by name (`dns`, `srv`) as the name servers say.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "config/proxy_options.h"
#include "monitor/discovery.h"
#include "monitor/dns_client.h"
#include "monitor/endpoint_keeper.h"
#include "net/event_loop.h"

namespace roundhouse::monitor {

// Each name is looked up at once, and then anew when the answer's time to live is over. While the
// answers are negative or do not come, the endpoints that were found last stay; that is logged once
// when it begins and once when it is over.
class Resolver {
 public:
  struct Parts {
    EventLoop& loop;
    DnsClient& client;
    EndpointKeeper& keeper;
    std::function<void()> changed;  // endpoints have come or gone; must outlive this, as the others
  };

  Resolver(Parts parts, const std::vector<config::Upstream>& upstreams);
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  ~Resolver();

  void start();

 private:
  class Name;
  Parts parts_;
  std::vector<std::unique_ptr<Name>> names_;
  std::minstd_rand random_{std::random_device()()};
};

}  // namespace roundhouse::monitor
