#include "upstream/retry_budget.h"

#include <algorithm>
#include <cmath>

namespace roundhouse::upstream {

void RetryBudget::decay(Time now) {
  constexpr Duration kStep = kWindow / 20;
  if (now - faded_ < kStep) return;
  const double steps = std::chrono::duration<double>(now - faded_) / kWindow;
  const double left = std::exp(-steps);
  requests_ *= left;
  retries_ *= left;
  faded_ = now;
}

bool RetryBudget::take(Time now) {
  decay(now);
  if (retries_ + 1 > std::max(kLeast, share_ * requests_)) return false;
  retries_ += 1;
  return true;
}

}  // namespace roundhouse::upstream
