#include "metrics/fairness.h"

#include <algorithm>

#include "base/check.h"

namespace roundhouse::metrics {

FairnessWindow::FairnessWindow(std::size_t workers, Duration window)
    : window_(window), last_(workers) {}

void FairnessWindow::add(Time now, std::span<const Sample> samples) {
  CHECK(samples.size() == last_.size());
  while (!intervals_.empty() && intervals_.front().end <= now - window_) intervals_.pop_front();

  Interval interval{now, std::vector<Share>(samples.size())};
  std::vector<std::size_t> counted;
  std::int64_t total = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const Sample& was = last_[i];
    const Sample& is = samples[i];
    if (!was.eligible || !is.eligible || was.pid != is.pid) continue;
    counted.push_back(i);
    // What was given before the interval may be taken back in it.
    const std::int64_t got = std::max<std::int64_t>(is.connections - was.connections, 0);
    interval.shares[i].got = static_cast<float>(got);
    total += got;
  }
  for (std::size_t i : counted) {
    interval.shares[i].due = static_cast<float>(total) / static_cast<float>(counted.size());
  }
  if (has_last_ && total > 0) intervals_.push_back(std::move(interval));
  std::ranges::copy(samples, last_.begin());
  has_last_ = true;
}

std::optional<double> FairnessWindow::index() const {
  constexpr double kRounding = 1e-3;  // shares are fractions
  double sum = 0;
  double sum_of_squares = 0;
  double count = 0;
  for (std::size_t i = 0; i < last_.size(); ++i) {
    double got = 0;
    double due = 0;
    for (const Interval& interval : intervals_) {
      got += static_cast<double>(interval.shares[i].got);
      due += static_cast<double>(interval.shares[i].due);
    }
    if (due < kLeastDue - kRounding) continue;
    const double share = got / due;
    sum += share;
    sum_of_squares += share * share;
    count += 1;
  }
  if (sum_of_squares <= 0) return std::nullopt;
  return sum * sum / (count * sum_of_squares);
}

}  // namespace roundhouse::metrics
