#include "proxy/body_pace.h"

#include <algorithm>
#include <utility>

namespace roundhouse::proxy {

void BodyPace::start(std::uint64_t rate, Time now) {
  rate_ = rate;
  due_ = rate == 0 ? Time::max() : now + kGrace;
  stopped_.reset();
}

void BodyPace::moved(std::size_t bytes, Time now) {
  if (rate_ == 0) return;
  const auto longest = static_cast<std::uint64_t>(kCreditMax / std::chrono::seconds(1)) * rate_;
  const Duration earned = std::chrono::seconds(1) * std::min<std::uint64_t>(bytes, longest) / rate_;
  due_ = std::min(due_ + earned, now + kCreditMax);
}

void BodyPace::set_waiting(bool waiting, Time now) {
  if (rate_ == 0 || waiting == !stopped_) return;
  if (waiting)
    due_ += now - *std::exchange(stopped_, std::nullopt);
  else
    stopped_ = now;
}

}  // namespace roundhouse::proxy
