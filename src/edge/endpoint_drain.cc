#include "edge/endpoint_drain.h"

#include <utility>

namespace roundhouse::edge {
namespace {

constexpr Duration kLookEvery = std::chrono::milliseconds(20);
// A proxy that has just chosen this endpoint has sent its request by then.
constexpr Duration kOutOfRotation = std::chrono::milliseconds(100);

}  // namespace

EndpointDrain::EndpointDrain(EventLoop& loop, std::function<std::uint32_t()> in_flight,
                             std::function<void()> then)
    : loop_(loop),
      in_flight_(std::move(in_flight)),
      then_(std::move(then)),
      timer_(loop, [this] { look(); }) {}

void EndpointDrain::start(Time deadline) {
  began_ = loop_.now();
  deadline_ = deadline;
  timer_.start_periodic(kLookEvery);
}

void EndpointDrain::look() {
  const Time now = loop_.now();
  const bool idle = now - began_ >= kOutOfRotation && in_flight_() == 0;
  if (!idle && now < began_ + (deadline_ - began_) / 2) return;
  timer_.stop();
  then_();
}

}  // namespace roundhouse::edge
