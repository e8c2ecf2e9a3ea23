// The way out of a worker that proxies forward to: they choose it no more, what is in flight at it
// ends, and only then it is told to stop. What has not ended when half of the time is over is left
// to the program: it has the other half.
#pragma once

#include <cstdint>
#include <functional>

#include "base/clock.h"
#include "net/event_loop.h"

namespace roundhouse::edge {

class EndpointDrain {
 public:
  // `in_flight`: requests at the worker, by all proxies. `then` is called inside the loop, once for
  // each start().
  EndpointDrain(EventLoop& loop, std::function<std::uint32_t()> in_flight,
                std::function<void()> then);

  void start(Time deadline);
  void stop() { timer_.stop(); }

 private:
  void look();

  EventLoop& loop_;
  std::function<std::uint32_t()> in_flight_;
  std::function<void()> then_;
  Timer timer_;
  Time began_{};
  Time deadline_{};
};

}  // namespace roundhouse::edge
