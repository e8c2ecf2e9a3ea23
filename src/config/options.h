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
#include "config/pool_options.h"
#include "config/proxy_options.h"
#include "config/tls_options.h"

namespace roundhouse::config {

inline constexpr Bytes kKiB = 1024;
inline constexpr Bytes kMiB = 1024 * kKiB;
inline constexpr Bytes kGiB = 1024 * kMiB;
inline constexpr Bytes kTiB = 1024 * kGiB;

// What the connections of a listener carry. tcp: bytes, handed on as they are.
enum class Protocol : std::uint8_t { kHttp, kTcp };
// Whether each connection begins with a header of the PROXY protocol, which tells the client's
// address (docs/proxy-protocol.md).
enum class ProxyProtocol : std::uint8_t { kOff, kRequire };

std::string_view to_string(Protocol protocol);
std::string_view to_string(Balance balance);
std::string_view to_string(Probe probe);

struct Listener {
  struct Timeouts {
    Duration handshake = 10s;
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
    Bytes body_rate = 240;        // a second; 0: any
    Bytes answer_rate = 240;      // as is
    std::uint32_t streams = 100;  // open at once on an HTTP/2 connection
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
  bool http2 = true;
  ProxyProtocol proxy_protocol = ProxyProtocol::kOff;
  std::vector<Network> proxy_protocol_from;  // whose headers are believed; nobody else may connect
  Timeouts timeouts;
  Limits limits;
  Tls tls;
};

struct Shutdown {
  Duration delay = 0s;
  Duration deadline = 28s;
};

struct Monitor {
  std::optional<Address> bind = Address::loopback(9901);  // none: off
  std::string socket = "auto";                            // or the path of the control socket
  std::vector<std::string> allowed_hosts;                 // names in Host
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
  // No options, but full keys: of values that are not to be shown, and of those that are not as
  // they were written (config/settle.h).
  std::vector<std::string> secrets;
  std::vector<std::string> settled;

  const Pool* find_pool(std::string_view name) const;
  const Upstream* find_upstream(std::string_view name) const;
  SharedLimits shared_limits(const Pool& pool) const;
};

}  // namespace roundhouse::config
