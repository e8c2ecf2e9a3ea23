// The endpoint board: shared memory with the endpoints of every upstream, their health, and what
// the monitor has counted of them.
//
// The edge makes it and writes the configured servers; from then on the monitor is the only writer,
// and workers of type proxy only read: the descriptor that they get was opened read-only. It
// belongs to the edge, so it stays as it is while there is no monitor, and the next monitor goes on
// from it.
//
// There are two tables. A change is written into the one that nobody reads, and then the epoch,
// whose lowest bit says which is read, goes up by one: a writer that dies in the middle leaves the
// last change whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "base/unique_fd.h"
#include "ipc/endpoint_table.h"
#include "ipc/shared_memory.h"
#include "ipc/traffic.h"

namespace roundhouse::ipc {

inline constexpr std::size_t kMaxUpstreams = 64;  // of one configuration

// How a look-up of a name ended. Public: label `result` of upstream_resolutions_total.
enum class Resolution : std::uint32_t {
  kAnswered,
  kNegative,  // the name does not exist, or has no addresses
  kFailed     // no answer, or none that could be used
};
inline constexpr std::size_t kResolutions = 3;
std::string_view to_string(Resolution resolution);

struct ProbeCounts {
  Counter well{0};
  Counter failed{0};
};

struct EndpointMemory {
  static constexpr std::uint32_t kMagic = 0x52484531;  // "RHE1"
  static constexpr std::uint32_t kVersion = 1;
  std::uint32_t magic = kMagic;
  std::uint32_t version = kVersion;
  alignas(64) Counter epoch{0};
  EndpointTable tables[2]{};
  ProbeCounts probes[kMaxEndpoints]{};  // by row
  Counter resolutions[kMaxUpstreams][kResolutions]{};
};

class EndpointBoard {
 public:
  EndpointBoard() = default;  // no board
  static Result<EndpointBoard> create();
  static Result<EndpointBoard> open(UniqueFd fd, Access access);
  // For those who must not write: not even by opening it anew, if they are another user.
  Result<UniqueFd> open_for_readers() const;

  explicit operator bool() const { return static_cast<bool>(memory_); }
  int fd() const { return memory_.fd(); }

  // Another number than before: something has changed.
  std::uint64_t epoch() const { return memory_->epoch.load(std::memory_order_acquire); }
  // A copy of the rows as they were at one moment, and the epoch of that; 0 if the writer was
  // faster each time.
  std::uint64_t read(EndpointTable& out) const;
  // By the only writer.
  void publish(const EndpointTable& table) const;

  ProbeCounts& probes(std::size_t row) const { return memory_->probes[row]; }
  Counter& resolutions(std::size_t upstream, Resolution resolution) const {
    return memory_->resolutions[upstream][static_cast<std::size_t>(resolution)];
  }

 private:
  Shared<EndpointMemory> memory_;
};

}  // namespace roundhouse::ipc
