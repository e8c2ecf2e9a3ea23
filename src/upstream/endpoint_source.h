// Tells the clusters of a worker what their endpoints are, from the endpoint board.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "ipc/endpoint_board.h"
#include "net/deadline_queue.h"
#include "net/event_loop.h"
#include "upstream/cluster.h"

namespace roundhouse::upstream {

// Looks at the board's epoch at each tick of the deadline queue, and at its rows when that has
// moved. What does not change is left alone: an upstream is told of only when one of its own
// endpoints has come, gone, or become another. Rows that make no sense are passed over.
class EndpointSource final : private Deadline {
 public:
  using Change = std::function<void(std::size_t upstream, std::span<const EndpointSpec> specs)>;

  struct Parts {
    EventLoop& loop;
    DeadlineQueue& deadlines;
    ipc::EndpointBoard& board;  // must outlive this, as the others; none if there are no upstreams
    std::size_t upstreams;      // of the configuration
  };

  // `change` is called for each upstream, whether it has endpoints or not, inside start(); and then
  // for each that changes.
  EndpointSource(Parts parts, Change change);

  void start();

 private:
  void expired() override;
  void refresh();

  Parts parts_;
  Change change_;
  std::vector<std::vector<EndpointSpec>> specs_;
  std::uint64_t epoch_ = 0;
};

}  // namespace roundhouse::upstream
