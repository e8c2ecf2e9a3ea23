// The endpoints of upstreams that are pools: those workers that are ready, as the edge says on its
// board. Of a worker that drains or is dead nobody should ask anything.
#pragma once

#include <cstdint>
#include <vector>

#include "config/options.h"
#include "config/pool_endpoints.h"
#include "ipc/board.h"
#include "upstream/cluster.h"

namespace roundhouse::upstream {

class PoolWatch {
 public:
  // `configuration` must outlive it. An empty board where no upstream is a pool.
  PoolWatch(const config::Configuration& configuration, ipc::Board board);

  // Whether the edge has changed anything since the last time that this was true, once at first.
  // One load: cheap enough for each request.
  bool changed();
  const std::vector<config::PoolUpstream>& upstreams() const { return upstreams_; }
  std::vector<EndpointSpec> endpoints_of(const config::PoolUpstream& upstream) const;

 private:
  const config::Configuration& configuration_;
  ipc::Board board_;
  std::vector<config::PoolUpstream> upstreams_;
  std::uint64_t seen_ = ~std::uint64_t{0};
};

}  // namespace roundhouse::upstream
