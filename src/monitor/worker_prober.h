// Asks programs over HTTP whether they are ready and whether they are well, and tells the edge what
// follows.
//
// The edge decides: what is told names the process that was asked, and when its failures began.
// Nothing of it outlives this process, so the next monitor begins anew.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "base/clock.h"
#include "config/options.h"
#include "ipc/board.h"
#include "ipc/messages.h"
#include "monitor/endpoint_keeper.h"
#include "monitor/probe.h"
#include "monitor/worker_health.h"
#include "net/event_loop.h"

namespace roundhouse::monitor {

class WorkerProber {
 public:
  struct Parts {
    EventLoop& loop;
    const config::Configuration& configuration;  // must outlive this, as the others
    const ipc::Board& board;
    EndpointKeeper& keeper;                                // counts outcomes
    std::function<void(const ipc::CommandMessage&)> tell;  // the edge
  };

  explicit WorkerProber(Parts parts);
  WorkerProber(const WorkerProber&) = delete;
  WorkerProber& operator=(const WorkerProber&) = delete;
  ~WorkerProber();

  // Nobody is to be asked anything: there is no need of one.
  bool idle() const { return targets_.empty(); }
  void start();

 private:
  struct Target {
    std::size_t pool;  // in the configuration's order
    std::uint32_t id;
    std::uint32_t place;
    std::size_t row;                     // on the board
    std::vector<std::size_t> endpoints;  // rows of the endpoint board
    WorkerHealth health;
    std::unique_ptr<Probe> probe = nullptr;  // in flight
    bool told = false;                       // that it cannot be asked
    ipc::ProbeFinding seen{};                // last, while it starts
  };

  void look();
  bool is_another_now(Target& target);
  void begin(Target& target);
  void ended(Target& target, Time began, const Probe::Outcome& outcome);
  void tell(Target& target, WorkerHealth::Verdict verdict, const Probe::Outcome& outcome);
  void tell_of_obstacle(Target& target, const std::string& why);
  const config::Pool& pool_of(const Target& target) const {
    return parts_.configuration.pools[target.pool];
  }
  double dice() { return std::uniform_real_distribution<>(0, 1)(random_); }

  Parts parts_;
  std::vector<Target> targets_;
  std::size_t probing_ = 0;  // how many are in flight
  std::size_t next_ = 0;     // who is looked at first
  std::minstd_rand random_{std::random_device()()};
  Timer timer_;
};

}  // namespace roundhouse::monitor
