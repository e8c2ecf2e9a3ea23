#include "ipc/traffic.h"

#include <algorithm>
#include <iterator>

namespace roundhouse::ipc {

void DurationHistogram::record(std::int64_t duration_ns) {
  const auto* const bound = std::ranges::lower_bound(kRequestBounds, duration_ns);
  add(buckets[bound - std::begin(kRequestBounds)]);
  add(sum_ns, static_cast<std::uint64_t>(std::max<std::int64_t>(duration_ns, 0)));
}

void CodeCounts::count(int code) {
  const auto wanted = static_cast<std::uint32_t>(code);
  for (std::size_t i = 0; i < kPlaces; ++i) {
    const std::uint32_t here = codes[i].load(std::memory_order_relaxed);
    if (here != wanted && here != 0) continue;
    add(counts[i]);
    if (here == 0) codes[i].store(wanted, std::memory_order_release);
    return;
  }
  add(others);
}

}  // namespace roundhouse::ipc
