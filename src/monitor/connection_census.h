// How many connections programs hold that do not tell it (node, listen_fds): sampled from the
// kernel.
//
// Counted are the established TCP connections to the ports of the listeners that lead to the pool,
// at whichever process of the worker's family holds them. What could not be seen whole is not told:
// processes of another user, listeners at a path, more descriptors than kMostDescriptors.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "metrics/snapshot.h"

namespace roundhouse::monitor {

class ConnectionCensus {
 public:
  // Fills in what pools of programs hold that listeners lead to directly. Counted anew at most once
  // a second, and never for more than a twentieth of the time.
  void fill_in(metrics::Snapshot& snapshot, Time now);

 private:
  struct Worker {
    std::int32_t pid = 0;
    std::optional<std::uint64_t> connections;
  };
  struct Listener {
    std::string name;
    std::uint64_t connections = 0;
  };

  void count(const metrics::Snapshot& snapshot);
  void count_pool(const metrics::Snapshot& snapshot, const metrics::PoolValues& pool);

  std::vector<Worker> workers_;      // by index
  std::vector<Listener> listeners_;  // those of which all is known
  Time next_{};
};

}  // namespace roundhouse::monitor
