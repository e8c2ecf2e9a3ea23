// What an operator can set: plain structs with their defaults in place.
//
// Every member has a row in options.def, the table from which parser, checks, schema and reference
// page are made; a test holds the two together. Values; no invariants beyond those the loader has
// checked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/clock.h"
#include "base/log.h"
#include "config/access_log_options.h"
#include "config/program_options.h"
#include "config/proxy_options.h"

namespace roundhouse::config {

inline constexpr Bytes kKiB = 1024;
inline constexpr Bytes kMiB = 1024 * kKiB;
inline constexpr Bytes kGiB = 1024 * kMiB;
inline constexpr Bytes kTiB = 1024 * kGiB;

// How the connections of a pool's listeners find their worker.
enum class Policy : std::uint8_t { kRr, kNone, kLeast, kSticky, kRrKernel };
// What the connections of a listener carry. tcp: bytes, handed on as they are.
enum class Protocol : std::uint8_t { kHttp, kTcp };
// Who may ask the hello workers for their test handlers, such as /die: peers on this machine,
// everyone, nobody.
enum class TestHandlers : std::uint8_t { kLocal, kOn, kOff };

std::string_view to_string(Policy policy);
std::string_view to_string(TestHandlers handlers);
std::string_view to_string(Protocol protocol);
std::string_view to_string(Balance balance);
std::string_view to_string(Probe probe);

struct Listener {
  struct Timeouts {
    Duration header = 15s;
    Duration body_idle = 60s;
    Duration request = 300s;
    Duration keep_alive = 65s;
    Duration tunnel = 1h;
  };
  struct Limits {
    Bytes headers = 16 * kKiB;
    Bytes line = 8 * kKiB;
    std::uint32_t header_count = 100;
    Bytes body = 10 * kMiB;
    Bytes body_rate = 240;    // a second; 0: any
    Bytes answer_rate = 240;  // as is
    std::uint32_t requests_per_connection = 1000;
  };

  std::string name;
  std::vector<Address> bind = {Address::ipv6_any(8000)};  // port 8000 of every interface
  std::string pool;                                       // as loaded: always the name of a pool
  Via via = Via::kAuto;                                   // as loaded: direct or proxy
  Protocol protocol = Protocol::kHttp;
  std::string upstream;  // of a tcp listener; as loaded: always the name of an upstream then
  std::uint32_t backlog = 4096;
  std::uint32_t max_connections = 10000;
  std::uint32_t connections_per_address = 0;  // open at once from one client address; 0: no limit
  Duration defer_accept = 1s;                 // 0: off
  Timeouts timeouts;
  Limits limits;
};

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

struct Shutdown {
  Duration delay = 0s;
  Duration deadline = 28s;
};

struct Monitor {
  std::optional<Address> bind = Address::loopback(9901);  // none: off
  std::string socket = "auto";                            // or the path of the control socket
};

struct Resolver {
  std::vector<std::string> servers;  // address, or address:port; empty: what the system says
  Duration timeout = 2s;
};

struct Log {
  log::Level level = log::Level::kInfo;
  log::Format format = log::Format::kAuto;
  AccessLog access;
};

// What the workers of a pool count together, so that a limit holds for all of them. Built-in ones
// only.
struct SharedLimits {
  bool rates = false;      // requests of a client address
  bool addresses = false;  // connections of a client address
  bool listeners = false;  // connections of a listener
  bool any() const { return rates || addresses || listeners; }
};

struct Configuration {
  std::vector<Listener> listeners;       // in file order; as loaded: at least one
  std::vector<Pool> pools;               // in file order; as loaded: at least one
  std::vector<Route> routes;             // the first that matches wins
  std::vector<Upstream> upstreams;       // in file order
  std::vector<Network> trusted_proxies;  // whose X-Forwarded-For is believed
  std::string user;  // used only when started as root; as loaded: roundhouse or nobody unless set
  Shutdown shutdown;
  Monitor monitor;
  Resolver resolver;
  Log log;
  std::vector<std::string> secrets, settled;  // full keys; see provenance.h and settle.h

  const Pool* find_pool(std::string_view name) const;
  const Upstream* find_upstream(std::string_view name) const;
  SharedLimits shared_limits(const Pool& pool) const;
};

}  // namespace roundhouse::config
