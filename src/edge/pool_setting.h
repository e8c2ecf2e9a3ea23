// What a pool is made of, and who owns it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/options.h"
#include "edge/node_listens.h"
#include "edge/program_output.h"
#include "edge/spawn.h"
#include "edge/supervisor.h"
#include "edge/worker_handle.h"
#include "ipc/board.h"
#include "ipc/heritage.h"
#include "ipc/limits.h"

namespace roundhouse::edge {

struct PoolSetting {
  const ipc::Board* board = nullptr;
  bool is_only_pool = true;           // its workers need no more than their number
  int configuration_fd = -1;          // borrowed
  int endpoints_fd = -1;              // borrowed, read-only; for workers of type proxy
  std::shared_ptr<const void> keeps;  // what is borrowed above, for as long as needed
  const Identity* identity = nullptr;
  int access_log = -1;           // what built-in workers write to; borrowed; -1: no access log
  int tls = -1;                  // certificates and keys; borrowed; -1: its workers speak no TLS
  std::uint64_t tls_number = 0;  // of these; 0: none
  std::optional<ipc::Limits::Shape> limits;  // that its workers share
  OutputPlaces* output = nullptr;            // of programs; outlives the pool
  std::vector<ipc::InheritedListener>
      sockets;  // policy none: what the workers accept from; borrowed
  // Policy rr_kernel: the same for each place.
  std::vector<std::vector<ipc::InheritedListener>> own_sockets;
  std::vector<ServedListener> served;  // those that lead to the pool
  std::string socket_names;            // of these: their listeners, ":" between them
  std::string folder;                  // of the private sockets of a foreign program
  bool proxied = false;                // its workers are endpoints of an upstream
  bool reads_board = false;            // proxies: an upstream of theirs is a pool
  // Of one of its workers, at all proxies together.
  std::function<std::uint32_t(std::size_t place)> requests_in_flight;
};

// All that workers are started with, from one configuration or one restart to the next. Those that
// run keep theirs.
struct PoolGeneration {
  // Error: a command that does not exist, no memory. `before`: the one that is in force, if any.
  static Result<std::shared_ptr<PoolGeneration>> create(std::uint32_t number,
                                                        const config::Pool& options,
                                                        PoolSetting setting, Time now,
                                                        const PoolGeneration* before);

  std::uint32_t number = 1;
  PoolOptions options;
  PoolSetting setting;
  std::string executable;
  std::shared_ptr<ipc::Limits> limits;        // none: they share none
  std::shared_ptr<NodeListens> node_listens;  // of a pool of Node programs
};

// A pool whose owner adds its places and starts their workers one by one: the room `cluster`.
// What is asked here is asked inside calls of the pool, which must not be called from there.
struct PoolEmbedding {
  std::function<Result<std::unique_ptr<WorkerHandle>>(std::size_t place,
                                                      WorkerHandle::Listener& listener)>
      make_handle;
  // What the worker of a place runs: its path, arguments, folder and identity.
  std::function<void(std::size_t place, Program& program)> set_program;
  std::function<void(std::size_t place, const ExitStatus& status)> exited;
  bool respawns = false;  // a worker that ends unasked is replaced
};

// What the edge wants to hear. Called inside the loop.
struct PoolSignals {
  std::function<void()> room;    // there may be room again: listeners of this pool can resume
  std::function<void()> failed;  // every worker failed at its first start
  std::function<void()> turns;   // policy rr_kernel: others are in turn now
  // A place is about to have its first worker: it has a slot now.
  std::function<Result<void>(std::size_t place)> place_begun = {};
  std::function<void()> rollout_moved = {};  // see Pool::rollout()
  // What a draining worker gives back: of which listeners that is wanted (bits), whether there is
  // room for those of some, and one of them.
  std::function<std::uint64_t()> wanted_back = {};
  std::function<bool(std::uint64_t listeners)> takes_back = {};
  std::function<void(Connection connection)> returned = {};
};

}  // namespace roundhouse::edge
