// What an operator can set for pools.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "config/program_options.h"
#include "config/proxy_options.h"

namespace roundhouse::config {

// How the connections of a pool's listeners find their worker.
enum class Policy : std::uint8_t { kRr, kNone, kLeast, kSticky, kRrKernel };
// Who may ask the hello workers for their test handlers, such as /die: peers on this machine,
// everyone, nobody.
enum class TestHandlers : std::uint8_t { kLocal, kOn, kOff };

std::string_view to_string(Policy policy);
std::string_view to_string(TestHandlers handlers);

// The rows of a pool on the board: of each worker id as many as processes of it may run at once,
// one for each generation. The row of process `seat` of worker `id` is
// first + seat * ids + (id - 1); behind first, that is its place.
struct PoolRows {
  std::uint32_t first = 0;
  std::uint32_t ids = 0;    // workers that there may be
  std::uint32_t seats = 1;  // processes of one worker at once
  std::uint32_t count() const { return ids * seats; }
  std::uint32_t id_of(std::size_t place) const {
    return static_cast<std::uint32_t>(ids == 0 ? place : place % ids) + 1;
  }
  bool operator==(const PoolRows&) const = default;
};

struct Pool {
  struct Handoff {
    std::uint32_t depth = 64;  // untaken connections at which a worker gets no more
    Duration stall = 100ms;
  };
  struct Restart {
    std::uint32_t burst = 10;
    Duration refill = 1s;
    Duration backoff_min = 500ms;
    Duration backoff_max = 5s;
    std::uint32_t failed_starts = 5;
    Duration probe = 30s;
  };
  struct Recycle {  // 0: never
    std::uint32_t requests = 0;
    Bytes memory = 0;
    Duration lifetime = 0s;
  };
  struct Timeouts {
    Duration ready = 60s;
    Duration drain = 25s;
    Duration drain_tunnels = 1h;  // of built-in workers
  };
  struct Liveness {
    Duration suspect = 1s;
    Duration replace = 2s;
    Duration kill = 500ms;
    Duration unanswered = 30s;  // of a Node worker
    std::string path;           // asked for over HTTP; empty: nothing is, nor do these matter:
    Duration interval = 10s;
    Duration timeout = 5s;
    std::uint32_t failures = 3;
  };
  struct Readiness {  // of a foreign program
    ReadyBy by = ReadyBy::kAuto;
    std::string path;  // of kHttp; as loaded: set exactly then
    Duration settle = 1s;
  };

  std::string name;
  PoolType type = PoolType::kHello;
  std::uint32_t workers = 0;  // 0: auto; as loaded: always the number
  Policy policy = Policy::kRr;
  std::uint32_t worker_connections = 10000;
  Handoff handoff;
  std::vector<std::string> command;  // empty exactly for built-in workers
  std::vector<Variable> listen;      // of a Node program: port or path, and the listener serving it
  std::vector<Variable> env;         // as loaded: those of env_file too, which env overrides
  std::string env_file;              // where some of env came from; only for show
  std::string cwd;                   // empty: that of the edge
  std::string user;                  // empty: Configuration::user
  PrivateSocket socket = PrivateSocket::kAuto;
  Readiness ready;
  StopSignal stop_signal = StopSignal::kTerm;
  Output output = Output::kPass;
  Restart restart;
  Recycle recycle;
  Timeouts timeouts;
  std::uint32_t surge = 1;
  Liveness liveness;
  TestHandlers test_handlers = TestHandlers::kLocal;
  PoolRows rows;  // no option; as is Route::row: see config/rows.h
};

}  // namespace roundhouse::config
