// The board: shared memory that the edge writes and the monitor and workers of type proxy only
// read.
//
// It holds what the edge alone knows: state, pid and history of every worker, what each listener
// accepted, when it was paused. Which rows are whose the configuration says (config/rows.h).
// Counters live here, so neither the monitor's nor a worker's death loses
// any.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "base/unique_fd.h"
#include "ipc/operation.h"
#include "ipc/shared_memory.h"
#include "ipc/slot.h"

namespace roundhouse::ipc {

// The life of a worker, and of the place it leaves. Order and names are public: label `state` of
// worker_state.
enum class WorkerState : std::uint32_t {
  kStarting,
  kReady,
  kDraining,
  kGone,         // stopped for good: the pool is being shut down
  kBackoff,      // dead; the next start is delayed
  kQuarantined,  // dead; it never became ready several times in a row: one probe start now and then
  kFailed,       // dead; it said that restarting is no use (exit code 125)
};
inline constexpr std::size_t kWorkerStates = 7;
std::string_view to_string(WorkerState state);

// Why a worker ended. Public: label `reason` of worker_restarts_total.
enum class ExitReason : std::uint32_t {
  kCrash,   // a signal nobody sent on purpose, or a non-zero exit
  kExited,  // exit code 0, unasked
  kOom,
  kHang,
  kBootTimeout,
  kProtocol,  // it broke the channel's protocol and was killed
  kRecycleRequests,
  kRecycleMemory,
  kRecycleLifetime,
  kShutdown,
  kReload,    // another configuration was put in force
  kScale,     // there are to be fewer workers
  kOperator,  // restarted because somebody asked for it
};
inline constexpr std::size_t kExitReasons = 13;
std::string_view to_string(ExitReason reason);

// Why a listener does not accept. Public: label `reason` of listener_paused_seconds_total.
enum class PauseReason : std::uint32_t { kNoWorker, kMaxConnections, kDescriptors, kDraining };
inline constexpr std::size_t kPauseReasons = 4;
std::string_view to_string(PauseReason reason);

inline constexpr std::size_t kSignals = 65;  // 0 = none
inline constexpr std::size_t kKeptExits = 5;

struct ExitRecord {
  double at;  // Unix time, seconds
  ExitReason reason;
  std::int32_t pid;
  std::int32_t signal;     // 0: none
  std::int32_t exit_code;  // when signal is 0
  std::uint32_t core_dumped;
  std::uint32_t was_ready;
  std::int64_t lived_ns;
  std::int64_t ready_for_ns;
  std::int64_t user_cpu_ns;
  std::int64_t system_cpu_ns;
  std::uint64_t max_resident_bytes;
  std::uint32_t connections_active;
  std::uint32_t requests_in_flight;
  std::uint32_t in_flight_texts;  // used of:
  std::uint32_t backtrace_frames;
  char in_flight[kInFlightTexts][kInFlightText];
  std::uint64_t backtrace[kBacktraceFrames];
};

// Of one place: a worker id has several, one for each process of it that may run at once
// (config/rows.h).
struct WorkerRow {
  std::atomic<WorkerState> state{WorkerState::kGone};
  std::atomic<std::int32_t> pid{0};  // 0: none
  Gauge generation{0};
  Gauge port{0};      // of 127.0.0.1: where its private socket listens; 0: at a path
  Gauge shut{0};      // 1: whatever its state, nothing serves its private socket
  Gauge on_trial{0};  // 1: another is the worker still; this one is to be it
  std::atomic<double> started_at{0};           // Unix time of the running process
  std::atomic<std::int64_t> started_ns{0};     // CLOCK_MONOTONIC
  std::atomic<std::int64_t> ready_ns{0};       // 0: not yet
  std::atomic<std::int64_t> next_start_ns{0};  // in backoff or quarantine
  Counter starts{0};
  Counter restarts[kExitReasons]{};  // starts in place of a worker that ended for this reason
  Counter crashes[kSignals]{};       // by signal; 0: non-zero exit
  Counter dead_cpu_ns{0};            // of all that ended
  Counter given{0};                  // connections handed off (rr, least, sticky)
  Counter taken{0};
  Counter taken_back{0};
  Counter returned{0};
  Counter given_back{0};
  Counter messages{0};        // of a Node program to its primary
  Counter output_lines{0};    // printed by its programs
  Counter output_dropped{0};  // of these: whoever reads us took no more
  Gauge untaken{0};
  Gauge stalled{0};
  Counter certificates{0};        // number of those that it uses; 0: none
  Gauge certificates_refused{0};  // 1: it could not use the last ones, and goes on with these
  // In the first row of a pool: how many workers it is to have. 0: as many as are configured.
  Gauge wanted{0};
  // Exit records, newest at (exits - 1) % kKeptExits. Odd `exits_lock`: being written.
  Gauge exits_lock{0};
  Gauge exits{0};
  ExitRecord exit_records[kKeptExits]{};
  // What a program listens on. Changed seldom: a reader that meets a change may see half of each.
  char listens[192] = {};
};

struct ListenerRow {
  Counter accepted{0};   // by the edge
  Counter abandoned{0};  // of these: the client had left while nobody could serve it
  Counter paused_ns[kPauseReasons]{};
  Gauge paused{0};  // 0, or 1 + PauseReason
  std::atomic<std::int64_t> paused_since_ns{0};
  char addresses[256] = {};  // as bound, ", " between them; written before the board is shared
};

struct BoardHeader {
  static constexpr std::uint32_t kMagic = 0x52484231;  // "RHB1"
  static constexpr std::uint32_t kVersion = 1;
  std::uint32_t magic = kMagic;
  std::uint32_t version = kVersion;
  std::uint32_t workers = 0;
  std::uint32_t listeners = 0;
  std::int32_t edge_pid = 0;
  double started_at = 0;
  std::int64_t started_ns = 0;
  Gauge stopping{0};  // 1 from the first TERM on: /readyz says 503
  Gauge monitor_restarts{0};
  std::atomic<std::int64_t> edge_heartbeat_ns{0};
  char configuration_source[256] = {};
  Counter changes{0};      // of any worker's state, pid, port or shut
  char sockets[108] = {};  // the folder of the private sockets; written before the board is shared
  Gauge configuration{1};  // counts what was put in force, from 1: the start's
  // Of files that change while the program runs (docs/tls.md).
  Counter certificates_renewed{0};
  Gauge certificates_refused{0};  // at the last look; those before go on
  // The first of these, and why. Changed seldom, as WorkerRow::listens.
  char certificate_refusal[256] = {};
  OperationRing operations;
};

// A mapped board. The edge creates it, others open it read-only.
class Board {
 public:
  Board() = default;
  static Result<Board> create(std::size_t workers, std::size_t listeners);
  // For as many workers, whose rows take memory only from begin_row() on.
  static Result<Board> create_sparse(std::size_t workers, std::size_t listeners);
  void begin_row(std::size_t worker) const;
  static Result<Board> open(UniqueFd fd);

  BoardHeader& header() const { return *static_cast<BoardHeader*>(mapping_.address()); }
  std::size_t workers() const { return workers_; }
  std::size_t listeners() const { return listeners_; }
  WorkerRow& worker(std::size_t index) const;
  // Whether begin_row() was called for it. Look here first: even reading a row that was not takes
  // memory.
  bool is_used(std::size_t worker) const;
  ListenerRow& listener(std::size_t index) const;
  int fd() const { return fd_.get(); }

 private:
  Gauge& used(std::size_t worker) const;

  UniqueFd fd_;
  Mapping mapping_;
  std::size_t workers_ = 0;  // our own copies: what was checked against the size of the memory
  std::size_t listeners_ = 0;
};

void write_exit(WorkerRow& row, const ExitRecord& record);
// The newest first; at most kKeptExits. Retries while the edge writes; gives up after a bounded
// number of tries (0).
std::size_t read_exits(const WorkerRow& row, ExitRecord (&out)[kKeptExits]);

}  // namespace roundhouse::ipc
