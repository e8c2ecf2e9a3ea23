// What crosses the exec: everything that the edge gives to a process it starts, and nothing else.
//
// Descriptors stand at fixed numbers from kFirstDescriptor on; the rest travels in environment
// variables, so that a worker in any language can read it (docs/native-protocol.md). Every other
// descriptor of the edge is CLOEXEC.
//
//   ROUNDHOUSE_PROTOCOL=1            kProtocolVersion
//   ROUNDHOUSE_ROLE=worker           worker | monitor
//   ROUNDHOUSE_POOL=hello            worker only
//   ROUNDHOUSE_WORKER_ID=2           1..N, stable over restarts
//   ROUNDHOUSE_GENERATION=1
//   ROUNDHOUSE_CHANNEL_FD=3          SOCK_SEQPACKET
//   ROUNDHOUSE_CONFIGURATION_FD=4    sealed memfd: the effective configuration
//   ROUNDHOUSE_SLOT_FD=5             worker only
//   ROUNDHOUSE_BOARD_FD=5            monitor only
//   ROUNDHOUSE_POOLS_FD=6            the board, where an upstream is a pool: workers of type proxy,
//                                    which only read it
//   ROUNDHOUSE_ENDPOINTS_FD=6        the endpoint board, where there are upstreams: workers of type
//                                    proxy, which read it, and the monitor, which writes it
//   ROUNDHOUSE_LIMITS_FD=7           limits that the built-in workers of a pool share
//   ROUNDHOUSE_ACCESS_LOG_FD=8       where built-in workers write the access log
//   ROUNDHOUSE_OUTPUT_FD=9           monitor only: what programs have printed
//   ROUNDHOUSE_HISTORY_FD=10         monitor only: where it keeps its past (ipc/history_board.h)
//   ROUNDHOUSE_LINE_FD=6             what a program that is its own edge and its workers tell each
//                                    other (room cluster); SOCK_SEQPACKET
//   ROUNDHOUSE_LISTENERS=0:6,0:7     listening sockets, "listener index:descriptor" (policy none;
//   or the monitor's own)
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"

namespace roundhouse::ipc {

enum class Role { kWorker, kMonitor };

inline constexpr int kFirstDescriptor = 3;
// Indexes of the monitor's own listening sockets, where a worker's are indexes of the
// configuration.
inline constexpr std::uint32_t kMonitorTcp = 0;
inline constexpr std::uint32_t kMonitorUnix = 1;

struct InheritedListener {
  std::uint32_t listener;
  int fd;
};

// The edge's side: borrowed descriptors, renumbered by spawn.
struct Bequest {
  Role role = Role::kWorker;
  std::string pool;
  std::uint32_t worker_id = 0;
  std::uint32_t generation = 1;
  int channel = -1;
  int configuration = -1;
  int memory = -1;  // the slot of a worker, the board for the monitor
  int pools = -1;   // -1: none, as is:
  int endpoints = -1;
  int limits = -1;
  int access_log = -1;
  int output = -1;
  int history = -1;
  int line = -1;
  std::vector<InheritedListener> listeners;

  // In the order of their new numbers, from kFirstDescriptor on.
  std::vector<int> descriptors() const;
  // "NAME=value" each.
  std::vector<std::string> environment() const;
};

struct OwnedListener {
  std::uint32_t listener;
  UniqueFd fd;
};

// The child's side: it owns the descriptors, all CLOEXEC again.
struct Heritage {
  Role role = Role::kWorker;
  std::string pool;
  std::uint32_t worker_id = 0;
  std::uint32_t generation = 0;
  UniqueFd channel;
  UniqueFd configuration;
  UniqueFd memory;
  UniqueFd pools;  // none where the edge gave none, as is:
  UniqueFd endpoints;
  UniqueFd limits;
  UniqueFd access_log;
  UniqueFd output;
  UniqueFd history;
  UniqueFd line;
  std::vector<OwnedListener> listeners;

  // True if this process was started by an edge of ours.
  static bool present();
  // Reads the variables, then unsets them, so that nothing started from here mistakes them for its
  // own.
  static Result<Heritage> take();
};

}  // namespace roundhouse::ipc
