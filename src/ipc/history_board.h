// The history board: shared memory in which the monitor keeps what it has seen, samples of the last
// hour and the last events, so that it outlives the monitor: a reload starts that anew.
//
// The edge makes it, gives it to one monitor after the other, and never looks into it. A monitor
// believes nothing of what it finds there: what makes no sense is passed over. About a megabyte,
// taken as it is written.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "ipc/shared_memory.h"
#include "ipc/traffic.h"

namespace roundhouse::ipc {

inline constexpr std::size_t kFineSamples = 300;    // one a second: five minutes
inline constexpr std::size_t kCoarseSamples = 360;  // one in ten seconds: an hour
inline constexpr std::size_t kHistoryWorkers = 64;  // more have no history of their own
inline constexpr std::size_t kWorkerName = 48;      // bytes of "POOL/ID", with the NUL behind it
inline constexpr std::size_t kKeptEvents = 1000;

// Order and names are public: `kind` of the API.
enum class EventKind : std::uint32_t {
  kInstanceStarted,
  kInstanceStopping,
  kMonitorStarted,
  kWorkerStarted,
  kWorkerReady,
  kWorkerExited,
  kWorkerQuarantined,
  kWorkerFailed,  // it said that restarting is no use
  kOperationEnded,
  kEndpointUnhealthy,  // by the active probes, as is the next
  kEndpointHealthy,
  kEndpointEjected,
  kListenerPaused,
  kListenerResumed,
};
inline constexpr std::size_t kEventKinds = 14;
std::string_view to_string(EventKind kind);

enum class EventLevel : std::uint32_t { kInfo, kWarn, kError };
std::string_view to_string(EventLevel level);

struct Event {
  std::uint64_t sequence = 0;  // from 1; given by add_event()
  double at = 0;               // Unix time
  EventKind kind{};
  EventLevel level{};
  std::int32_t pid = 0;      // 0: of no process
  std::uint64_t ticket = 0;  // of an operation
  std::string subject;       // "POOL/ID", "UPSTREAM/ADDRESS", the name of a listener, "reload"
  std::string text;
  std::string detail;  // for operators alone
};

// NaN: cannot be told.
struct WorkerLoad {
  float requests_per_second;
  float cpu_percent;
};
struct HistorySample {
  double at;  // Unix time of its end; 0: none
  float requests_per_second;
  float errors_per_second;  // answers with a 5xx
  float connections_per_second;
  float connections;  // open at its end
  float p50_seconds;  // of requests, as is the next
  float p99_seconds;
  float handoff_p99_seconds;  // how long a connection waited for its worker
  WorkerLoad workers[kHistoryWorkers];
};

struct EventRecord {
  std::uint64_t sequence;
  double at;
  EventKind kind;
  EventLevel level;
  std::uint64_t ticket;
  std::int32_t pid;
  char subject[160];
  char text[160];
  char detail[240];
};

struct HistoryMemory {
  static constexpr std::uint32_t kMagic = 0x52484831;  // "RHH1"
  static constexpr std::uint32_t kVersion = 1;
  std::uint32_t magic = kMagic;
  std::uint32_t version = kVersion;
  Counter fine_written{0};
  Counter coarse_written{0};
  Counter events_written{0};
  std::atomic<double> watched_until{0};  // Unix time; what was before is told
  char worker_names[kHistoryWorkers][kWorkerName] = {};
  HistorySample fine[kFineSamples];
  HistorySample coarse[kCoarseSamples];
  EventRecord events[kKeptEvents];
};

enum class HistoryStep : std::uint8_t { kFine, kCoarse };

class HistoryBoard {
 public:
  HistoryBoard() = default;  // no board
  static Result<HistoryBoard> create();
  // Error: it is something else.
  static Result<HistoryBoard> open(UniqueFd fd);

  explicit operator bool() const { return static_cast<bool>(memory_); }
  int fd() const { return memory_.fd(); }

  // Which of HistorySample::workers is whose; an empty name is nobody's.
  std::array<std::string, kHistoryWorkers> workers() const;
  // The place of each of these, kHistoryWorkers for those that find none. Places of others are
  // taken when none is free, and what was theirs forgotten.
  std::vector<std::size_t> place_workers(std::span<const std::string> names) const;

  void add(HistoryStep step, const HistorySample& sample) const;
  // Those that make sense, in the order of their time.
  std::vector<HistorySample> samples(HistoryStep step) const;

  // Longer texts are cut. Returns its sequence.
  std::uint64_t add_event(const Event& event) const;
  std::uint64_t last_event() const;  // its sequence; 0: there is none
  // Those after this sequence that are kept, the oldest first.
  std::vector<Event> events(std::uint64_t after) const;

  double watched_until() const { return memory_->watched_until.load(std::memory_order_relaxed); }
  void set_watched_until(double at) const {
    memory_->watched_until.store(at, std::memory_order_relaxed);
  }

 private:
  std::span<HistorySample> ring(HistoryStep step) const;

  Shared<HistoryMemory> memory_;
};

}  // namespace roundhouse::ipc
