// Everything that can be said about a running instance at one moment, as plain values: what
// /metrics, the status API and the health endpoints are computed from.
//
// read_snapshot() copies board and slots. What only /proc or the passing of time can tell (the
// optional members so marked) is filled in by the monitor.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "ipc/board.h"
#include "ipc/endpoint_board.h"
#include "ipc/slot.h"
#include "metrics/layout.h"
#include "metrics/traffic.h"

namespace roundhouse::metrics {

// Of one process, or of all that ran in one place. Filled in by the monitor; a value that could not
// be read is absent.
struct ProcessUsage {
  std::optional<double> cpu_seconds;
  std::optional<std::uint64_t> resident_bytes;
  std::optional<std::uint64_t> open_fds;
};

using TlsCounts = std::array<std::uint64_t, ipc::kTlsOutcomeCount>;
using ProxyHeaderCounts = std::array<std::uint64_t, ipc::kProxyHeaderOutcomeCount>;
using Http2Counts = std::array<std::uint64_t, ipc::kHttp2Counts>;

// A copy of what the worker itself tells.
struct SlotValues {
  std::uint32_t connections_active = 0;
  std::uint32_t requests_in_flight = 0;
  std::uint64_t connections_total = 0;
  std::uint64_t requests_total = 0;
  double busy_seconds = 0;
  std::uint64_t access_log_lines = 0;
  std::uint64_t access_log_dropped = 0;
  std::array<std::uint64_t, ipc::kHandoffBuckets> handoff_buckets{};  // not cumulative
  double handoff_sum_seconds = 0;
  std::array<std::uint64_t, ipc::kMaxListeners> listener_accepted{};
  std::array<std::uint32_t, ipc::kMaxListeners> listener_active{};
  std::array<std::uint64_t, ipc::kMaxListeners> request_failures{};
  std::array<std::uint64_t, ipc::kMaxListeners> refused_connections{};
  std::array<TlsCounts, ipc::kMaxListeners> tls_handshakes{};
  std::array<ProxyHeaderCounts, ipc::kMaxListeners> proxy_headers{};
  std::array<Http2Counts, ipc::kMaxListeners> http2{};
};

// A process of a worker that another one has replaced, and that drains.
struct OlderProcess {
  std::int32_t pid = 0;
  std::uint32_t generation = 0;
  ipc::WorkerState state{};
  double uptime_seconds = 0;
  std::uint32_t connections_active = 0;
  std::uint32_t requests_in_flight = 0;
  bool on_trial = false;  // it is no older one, but is to replace the worker
};

// Counters are those of all processes of this id; state, pid and the like of the newest that runs,
// but for one on trial, and of the newest where none does.
struct WorkerValues {
  std::uint32_t id = 0;           // 1..N in its pool
  std::size_t index = 0;          // its first row, as a number of its own
  std::vector<std::size_t> rows;  // used ones
  std::vector<OlderProcess> older;
  ipc::WorkerState state{};
  std::int32_t pid = 0;  // 0: none runs
  std::uint32_t generation = 0;
  double started_at = 0;  // Unix time
  double uptime_seconds = 0;
  std::optional<double> next_start_in_seconds;
  std::array<std::uint64_t, ipc::kExitReasons> restarts{};
  std::array<std::uint64_t, ipc::kSignals> crashes{};
  std::uint64_t given = 0;
  std::uint64_t taken = 0;
  std::uint64_t taken_back = 0;
  std::uint64_t returned = 0;
  std::uint64_t given_back = 0;
  std::uint64_t messages = 0;
  std::uint64_t output_lines = 0;
  std::uint64_t output_dropped = 0;
  std::uint32_t untaken = 0;
  bool stalled = false;
  std::uint64_t certificates = 0;  // number of those that it uses; 0: none
  bool certificates_refused = false;
  bool left = false;                   // there is to be none of this id (any more); it has counts
  bool shut = false;                   // nothing serves its private socket
  bool on_trial = false;               // nobody else of this id runs, and it is not in force yet
  double dead_cpu_seconds = 0;         // of all processes that ended here
  std::vector<ipc::ExitRecord> exits;  // newest first
  std::string listens;                 // what a program listens on, and what serves it
  std::optional<SlotValues> slot;      // none: not arrived yet
  ProcessUsage usage;                  // by the monitor; CPU time of the dead included
  std::optional<std::uint64_t> connections_sampled;  // by the monitor, where it does not tell
  std::optional<double> requests_per_second;         // by the monitor
  std::optional<double> cpu_percent;                 // by the monitor: 100 is one CPU
};

struct PoolValues {
  Layout::Pool layout;
  std::uint32_t wanted = 0;  // workers, as configured or scaled
  std::vector<WorkerValues> workers;
  std::optional<double> fairness;                   // by the monitor
  std::size_t count(ipc::WorkerState state) const;  // of those that are to be
  std::size_t old_generations() const;  // besides the newest, that processes of it are of
  // Whether the edge accepts for the workers and hands over (every policy but none).
  bool hands_over() const { return layout.policy != "none"; }
  // Whether the workers accept for themselves.
  bool workers_accept() const { return layout.policy == "none" || layout.policy == "rr_kernel"; }
  // Whether its workers tell how many connections they hold.
  bool tells_connections() const { return layout.tells && layout.type != "node"; }
  // Whether anybody counts the connections that a worker gets: itself, or the edge, which gives it
  // all.
  bool counts_connections() const { return tells_connections() || !workers_accept(); }
};

struct ListenerValues {
  Layout::Listener layout;
  std::string addresses;
  std::optional<std::uint64_t> accepted;  // none: only the workers know, and do not tell; as is:
  std::optional<std::uint64_t> active;
  std::optional<std::uint64_t> request_failures;
  std::uint64_t abandoned = 0;
  std::uint64_t refused_per_address = 0;
  TlsCounts tls_handshakes{};
  ProxyHeaderCounts proxy_headers{};
  Http2Counts http2{};
  std::optional<ipc::PauseReason> paused;
  std::array<double, ipc::kPauseReasons> paused_seconds{};
};

struct UpstreamValues {
  Layout::Upstream layout;
  std::array<std::uint64_t, ipc::kResolutions> resolutions{};
};

struct Snapshot {
  std::int32_t edge_pid = 0;
  double started_at = 0;  // Unix time
  double uptime_seconds = 0;
  bool stopping = false;
  std::optional<Duration> edge_heartbeat_age;  // none: it never beat
  std::uint32_t monitor_restarts = 0;
  std::string configuration_source;
  std::uint32_t configuration = 1;                             // counts those put in force
  std::array<std::uint64_t, ipc::kOperationStates> reloads{};  // by how they ended
  double last_reload_at = 0;  // Unix time; of the start, if there was none
  std::uint64_t certificates_renewed = 0;
  std::uint32_t certificates_refused = 0;
  std::string certificate_refusal;  // the first of them, and why
  std::vector<PoolValues> pools;
  std::vector<ListenerValues> listeners;
  std::vector<RouteValues> routes;
  std::vector<UpstreamValues> upstreams;
  std::vector<EndpointValues> endpoints;                // by upstream
  std::vector<FailureValues> failures;                  // empty: no worker can tell them
  ProcessUsage edge;                                    // by the monitor
  std::optional<std::uint64_t> container_memory;        // by the monitor, bytes
  std::optional<std::uint64_t> container_memory_limit;  // by the monitor, bytes
};

// `slots` has a place for each worker of the board, nullptr for one that has not arrived.
// `endpoints`: no board where there are no upstreams.
// REQUIRES: layout and board agree on the number of workers and listeners.
Snapshot read_snapshot(const Layout& layout, const ipc::Board& board,
                       const ipc::EndpointBoard* endpoints, std::span<const ipc::Slot* const> slots,
                       Time now);

}  // namespace roundhouse::metrics
