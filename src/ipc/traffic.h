// What a proxy worker counts in its slot for each route and each endpoint.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "ipc/tls_outcome.h"

namespace roundhouse::ipc {

using Counter = std::atomic<std::uint64_t>;
using Gauge = std::atomic<std::uint32_t>;
static_assert(Counter::is_always_lock_free && Gauge::is_always_lock_free);

// By the only writer.
inline void add(Counter& counter, std::uint64_t amount = 1) {
  counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}
inline void increment(Gauge& gauge) {
  gauge.store(gauge.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}
inline void decrement(Gauge& gauge) {
  gauge.store(gauge.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
}

inline constexpr std::size_t kMaxRoutes = 257;      // of one configuration, and one more
inline constexpr std::size_t kMaxEndpoints = 1024;  // of all upstreams of one configuration
inline constexpr std::size_t kMaxFailures = 64;     // kinds of failure

// Upper bounds in nanoseconds; one more bucket for everything above.
inline constexpr std::int64_t kRequestBounds[] = {
    1'000'000,     2'500'000,     5'000'000,     10'000'000,  25'000'000,
    50'000'000,    100'000'000,   250'000'000,   500'000'000, 1'000'000'000,
    2'500'000'000, 5'000'000'000, 10'000'000'000};
inline constexpr std::size_t kRequestBuckets = sizeof kRequestBounds / sizeof kRequestBounds[0] + 1;

struct DurationHistogram {
  Counter buckets[kRequestBuckets]{};  // not cumulative
  Counter sum_ns{0};

  // By the only writer.
  void record(std::int64_t duration_ns);
};

// Answers by status code. A code claims a place at its first answer; those that find none are
// counted in `others`.
struct CodeCounts {
  static constexpr std::size_t kPlaces = 24;
  Gauge codes[kPlaces]{};  // 0: free, and so are all behind it
  Counter counts[kPlaces]{};
  Counter others{0};

  // By the only writer.
  void count(int code);
};

struct RouteTraffic {
  CodeCounts answers;
  DurationHistogram durations;  // from the request's first byte to the answer's last
};

struct EndpointTraffic {
  Gauge requests_in_flight{0};  // or open tcp sessions
  Gauge connections_active{0};  // idle ones included
  Counter requests_total{0};    // or tcp sessions; tries, retries included
  Counter failures_total{0};    // of these: no whole answer, or a 5xx
  Counter retries_total{0};     // of these failures: tried again elsewhere
  Counter connects_total{0};
  Counter ejections_total{0};
  Counter sent_bytes_total{0};
  Counter received_bytes_total{0};
  Counter tls_handshakes[kUpstreamTlsOutcomes]{};
  Gauge ejected{0};
  DurationHistogram durations;  // from the request sent to the answer's last byte
};

}  // namespace roundhouse::ipc
