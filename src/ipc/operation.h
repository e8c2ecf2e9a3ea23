// What operators ask the edge for, and what became of it: the last ones, in the board.
//
// The monitor passes a request as a CommandMessage with a ticket of its own making; the edge is the
// only writer here. A ticket that is not found after the edge has had a second to read its channel
// is a command that the edge did not take.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/shared_memory.h"
#include "ipc/traffic.h"

namespace roundhouse::ipc {

// Order and names are public: `kind` of the API.
enum class OperationKind : std::uint32_t { kReload, kRestart, kScale };
std::string_view to_string(OperationKind kind);

// Order and names are public: `state` of the API, and label `result` of config_reloads_total for
// all but the first.
enum class OperationState : std::uint32_t {
  kRunning,
  kApplied,
  kRefused,  // nothing was begun: `text` has every error
  kFailed,   // what was begun was taken back: the new workers did not become ready
};
inline constexpr std::size_t kOperationStates = 4;
std::string_view to_string(OperationState state);

inline constexpr std::size_t kOperationText = 8192;  // bytes, with the NUL behind it
inline constexpr std::size_t kKeptOperations = 8;

struct Operation {
  std::uint64_t ticket = 0;
  OperationKind kind{};
  OperationState state{};
  double began_at = 0;  // Unix time
  double ended_at = 0;  // 0: it runs
  std::string text;     // what was done, or why not; lines
};

// In shared memory. Odd `lock`: being written.
struct OperationRecord {
  Gauge lock{0};
  std::uint64_t ticket = 0;
  OperationKind kind{};
  OperationState state{};
  double began_at = 0;
  double ended_at = 0;
  char text[kOperationText] = {};
};

struct OperationRing {
  OperationRecord records[kKeptOperations];
  Counter begun{0};                       // the newest is at (begun - 1) % kKeptOperations
  Counter reloads[kOperationStates]{};    // ended, by how; that of kRunning stays 0
  std::atomic<double> last_reload_at{0};  // Unix time of the last that was applied; of the start
};

// By the edge. A longer text is cut.
void begin_operation(OperationRing& ring, const Operation& operation);
void update_operation(OperationRing& ring, const Operation& operation);  // of the same ticket

// None: not kept (any more), or the edge wrote each time.
std::optional<Operation> find_operation(const OperationRing& ring, std::uint64_t ticket);
// Those that are kept and could be read, in the order in which they began.
std::vector<Operation> kept_operations(const OperationRing& ring);

}  // namespace roundhouse::ipc
