#include "ipc/rate_table.h"

#include <algorithm>

namespace roundhouse::ipc {
namespace {

constexpr int kTimeBits = 48;
constexpr std::uint64_t kTimeMask = (std::uint64_t{1} << kTimeBits) - 1;
// Each failed try means that another has taken a token from the same place. Who loses so often is
// one of very many requests for the same bucket, and is refused like one that came too late.
constexpr int kTries = 64;

std::uint64_t tag_of(std::uint64_t word) { return word >> kTimeBits; }
std::uint64_t full_at(std::uint64_t word) { return word & kTimeMask; }

struct Place {
  RateTable::Cell* cell;
  std::uint64_t seen;
  bool is_ours;
};

// The key's bucket; else the one that is full again first. Two processes may have made one each at
// the same moment: then the one with fewer tokens counts.
Place find(std::span<RateTable::Cell> set, std::uint64_t tag) {
  const auto look = [tag](RateTable::Cell& cell) {
    const std::uint64_t word = cell.load(std::memory_order_relaxed);
    return Place{.cell = &cell, .seen = word, .is_ours = tag_of(word) == tag};
  };
  Place found = look(set.front());
  for (RateTable::Cell& cell : set.subspan(1)) {
    const Place here = look(cell);
    const bool better = here.is_ours ? full_at(here.seen) > full_at(found.seen)
                                     : full_at(here.seen) < full_at(found.seen);
    if (here.is_ours == found.is_ours ? better : here.is_ours) found = here;
  }
  return found;
}

Verdict refused_for(std::uint64_t us) {
  return {.allowed = false, .retry_after = std::chrono::microseconds(us)};
}

}  // namespace

Pace Pace::of(std::uint32_t count, Duration per) {
  const auto us = static_cast<std::uint64_t>(per / std::chrono::microseconds(1));
  const std::uint64_t interval = std::max<std::uint64_t>((us + count / 2) / count, 1);
  return {.interval_us = interval, .window_us = interval * count};
}

Verdict RateTable::take(std::uint64_t key, const Pace& pace, Duration now) {
  const auto now_us = static_cast<std::uint64_t>(now / std::chrono::microseconds(1)) & kTimeMask;
  const std::uint64_t tag = tag_of(key);
  const std::size_t sets = cells_.size() / kWays;
  const std::span<Cell> set = cells_.subspan((key & (sets - 1)) * kWays, kWays);
  for (int tries = 0; tries < kTries; ++tries) {
    Place place = find(set, tag);
    // A bucket can lack no more than all of its tokens, whatever the word says.
    const std::uint64_t full =
        place.is_ours ? std::clamp(full_at(place.seen), now_us, now_us + pace.window_us) : now_us;
    const std::uint64_t then = full + pace.interval_us;
    if (then > now_us + pace.window_us) return refused_for(then - now_us - pace.window_us);
    const std::uint64_t word = tag << kTimeBits | (then & kTimeMask);
    if (place.cell->compare_exchange_strong(place.seen, word, std::memory_order_relaxed)) return {};
  }
  return refused_for(pace.interval_us);
}

}  // namespace roundhouse::ipc
