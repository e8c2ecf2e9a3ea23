// The slot: shared memory of one worker place, mapped by the worker that fills it, the edge and the
// monitor.
//
// One slot per worker id. It outlives the process: counters go on where the predecessor stopped,
// gauges start again at 0 (reset_gauges, by the edge, while there is no worker). One writer per
// field: `room_wanted` is the edge's, everything else the worker's, so a counter is bumped with a
// plain load and store. A hostile value harms only its own worker: the edge believes nothing here
// that could harm another.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ipc/http2_count.h"
#include "ipc/proxy_header_outcome.h"
#include "ipc/tls_outcome.h"
#include "ipc/traffic.h"

namespace roundhouse::ipc {

inline constexpr std::size_t kMaxListeners = 64;  // of one configuration
inline constexpr std::size_t kInFlightTexts =
    8;  // requests whose first line is kept for the exit record
inline constexpr std::size_t kInFlightText = 120;
inline constexpr std::size_t kBacktraceFrames = 24;

// Time from accept to taken. Upper bounds in nanoseconds; one more bucket for everything above.
inline constexpr std::int64_t kHandoffBounds[] = {
    50'000,     100'000,    250'000,    500'000,     1'000'000,   2'500'000,    5'000'000,
    10'000'000, 25'000'000, 50'000'000, 100'000'000, 250'000'000, 1'000'000'000};
inline constexpr std::size_t kHandoffBuckets = sizeof kHandoffBounds / sizeof kHandoffBounds[0] + 1;

// The first line of a request that is being served ("GET /die 127.0.0.1"), for the exit record.
// Torn reads are harmless: it is read when the writer is dead, and shown escaped.
struct InFlightText {
  Gauge used;  // 0: free
  char text[kInFlightText];
};

// Written by the worker's crash handler (async-signal-safe) before it dies of the signal.
struct CrashRecord {
  Gauge signal;  // 0: none
  std::uint32_t frame_count;
  std::uint64_t fault_address;
  std::uint64_t
      frames[kBacktraceFrames];  // relative to the start of the executable: for addr2line -e
};

struct Slot {
  static constexpr std::uint32_t kMagic = 0x52485331;  // "RHS1"
  static constexpr std::uint32_t kVersion = 1;
  std::uint32_t magic = kMagic;
  std::uint32_t version = kVersion;

  // Edge: counts its wishes for a Room message. The worker answers each value once, when it has
  // room.
  alignas(64) Gauge room_wanted{0};
  // CLOCK_MONOTONIC; 0: not asked to drain. Says what the Drain message says, to a worker too full
  // to read its channel.
  std::atomic<std::int64_t> drain_by_ns{0};

  // Worker. `taken` is stored with seq_cst before `room_wanted` is read, as the edge stores that
  // before reading this.
  alignas(64) Counter taken{0};               // sequence of the last message read from the channel
  std::atomic<std::int64_t> heartbeat_ns{0};  // CLOCK_MONOTONIC, by the event loop's timer
  Gauge connections_active{0};
  Gauge requests_in_flight{0};
  Counter connections_total{0};
  Counter requests_total{0};
  Counter busy_ns{0};  // of the event loop, not waiting
  Counter handoff_buckets[kHandoffBuckets]{};
  Counter handoff_sum_ns{0};
  Counter listener_accepted[kMaxListeners]{};  // by the worker itself (policy none)
  Gauge listener_active[kMaxListeners]{};
  Counter
      request_failures[kMaxListeners]{};  // requests refused with a 4xx or 5xx of ours, by listener

  InFlightText in_flight[kInFlightTexts]{};
  CrashRecord crash{};

  // Of a proxy worker. Behind everything else, so that a native program need not know of them.
  RouteTraffic routes[kMaxRoutes]{};             // by Route::row; 0: what matches none
  EndpointTraffic endpoints[kMaxEndpoints]{};    // by row of the endpoint board
  Counter proxy_failures[kMaxFailures]{};        // by http::Failure; of every built-in worker
  Counter refused_connections[kMaxListeners]{};  // too many from one address
  Counter access_log_lines{0};                   // of every built-in worker: written
  Counter access_log_dropped{0};                 // which could not be
  Counter tls_handshakes[kMaxListeners][kTlsOutcomeCount]{};         // of every built-in worker
  Counter proxy_headers[kMaxListeners][kProxyHeaderOutcomeCount]{};  // as is
  Counter http2[kMaxListeners][kHttp2Counts]{};                      // as is
};

// By the edge, between two workers of the place.
void reset_gauges(Slot& slot, std::int64_t now_ns);
void record_handoff(Slot& slot, std::int64_t duration_ns);

// Claims a free text, or returns nullptr when all are used. release_in_flight gives it back.
InFlightText* claim_in_flight(Slot& slot, std::string_view text);
inline void release_in_flight(InFlightText* text) {
  if (text != nullptr) text->used.store(0, std::memory_order_relaxed);
}

}  // namespace roundhouse::ipc
