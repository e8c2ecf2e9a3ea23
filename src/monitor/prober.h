// The active health probes: asks each endpoint in use how it is, and writes that on the endpoint
// board.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "base/address.h"
#include "base/clock.h"
#include "config/proxy_options.h"
#include "monitor/endpoint_keeper.h"
#include "monitor/probe.h"
#include "monitor/probe_state.h"
#include "net/event_loop.h"
#include "upstream/tls_setting.h"

namespace roundhouse::monitor {

// Never more than `probes_max` at once; what is due beyond that waits its turn.
class Prober {
 public:
  struct Parts {
    EventLoop& loop;
    const std::vector<config::Upstream>& upstreams;  // must outlive this, as the others
    EndpointKeeper& keeper;
    std::size_t probes_max;
    upstream::TlsContexts tls = {};
  };

  explicit Prober(Parts parts);
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;
  ~Prober();

  // Endpoints have come or gone.
  void follow();

 private:
  struct Target {
    Target(const config::Upstream& upstream, const Address& address, bool healthy, Time now)
        : upstream(upstream), address(address), state(upstream.health, healthy, now) {}
    const config::Upstream& upstream;
    Address address;
    ProbeState state;
    std::unique_ptr<Probe> probe;  // in flight
  };

  void begin_due();
  void begin(std::size_t row);
  const TlsClientContext* tls_to(std::size_t upstream) const;
  void ended(std::size_t row, Time began, const Probe::Outcome& outcome);
  void changed(std::size_t row, ProbeState::Change change, const std::string& why);

  Parts parts_;
  std::vector<std::unique_ptr<Target>> targets_;  // by row of the board
  std::size_t probing_ = 0;
  Timer timer_;
  std::minstd_rand random_{std::random_device()()};
};

// How many probes fit beside everything else that the monitor has open.
std::size_t probes_that_fit();

}  // namespace roundhouse::monitor
