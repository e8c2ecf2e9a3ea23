// What an operator can set for the reverse proxy: routes, and the upstreams that they lead to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/network.h"
#include "config/tls_options.h"

namespace roundhouse::config {

using Bytes = std::uint64_t;
using namespace std::chrono_literals;

struct Variable {
  std::string name;
  std::string value;
  bool operator==(const Variable&) const = default;
};

// How the requests of an upstream find their endpoint. p2c: the one of two chosen at random that
// has fewer requests in flight.
enum class Balance : std::uint8_t { kP2c, kRr, kLeast, kHash };

// How the monitor asks whether an endpoint is well: not at all, by a connection, or by a GET that
// must be answered with 2xx or 3xx.
enum class Probe : std::uint8_t { kOff, kConnect, kHttp };

// Which header of the PROXY protocol, if any, opens each connection to an endpoint.
enum class ProxyHeader : std::uint8_t { kOff, kV1, kV2 };
// What endpoints speak. auto: what they choose under TLS, and else HTTP/1.1.
enum class UpstreamProtocol : std::uint8_t { kAuto, kHttp1, kHttp2 };

// `set` replaces all fields of that name, `add` leaves them. Values are text templates.
struct FieldEdits {
  std::vector<Variable> set;
  std::vector<Variable> add;
  std::vector<std::string> remove;
  bool empty() const { return set.empty() && add.empty() && remove.empty(); }
};

// `count` events in each `per`; count 0: no limit.
struct Rate {
  std::uint32_t count = 0;
  Duration per = 1s;
  bool operator==(const Rate&) const = default;
};

// Which requests match, and what is done with them. As loaded, exactly one of upstream, redirect.to
// and respond.status is set.
struct Route {
  struct Redirect {
    std::string to;  // a text template
    std::uint32_t status = 308;
  };
  struct Respond {
    std::uint32_t status = 0;  // 0: not set
    std::string body;
  };
  struct Timeouts {  // 0: the upstream's
    Duration response = 0s;
    Duration idle = 0s;
  };

  std::string name;                  // label of metrics; as loaded: never empty, unique
  std::string listener;              // empty: any
  std::string host;                  // exact, "*.example.com", or empty: any; as loaded: lower case
  std::string path;                  // ends in '/': everything below; else exact; empty: any
  std::vector<std::string> methods;  // empty: any
  std::vector<Variable> headers;     // all must be there with that value; "*": with any
  std::string upstream;
  Redirect redirect;
  Respond respond;
  std::string strip_prefix;  // taken from the front of the path
  std::string add_prefix;    // then put before it
  FieldEdits request_headers;
  FieldEdits response_headers;
  Timeouts timeouts;
  std::optional<std::uint32_t> retries;  // attempts; none: the upstream's
  std::optional<Bytes> body;             // none: the listener's limit
  Rate rate_limit;                       // for each client address
  std::vector<Network> allow;            // of clients; empty: all
  std::uint32_t row = 0;                 // no option: of its counters; 0: of what matches none
};

// One configured endpoint, or a name that becomes several.
struct Server {
  std::string address;  // host:port, [v6]:port, unix:/path
  std::uint32_t weight = 1;
  bool operator==(const Server&) const = default;
};

struct Upstream {
  struct Health {  // active probes
    Probe probe = Probe::kOff;
    std::string path;  // of kHttp; as loaded: set exactly then
    Duration interval = 5s;
    Duration timeout = 2s;
    std::uint32_t fall = 3;
    std::uint32_t rise = 2;
  };
  struct Timeouts {
    Duration connect = 5s;
    Duration response = 60s;    // to the first byte of the answer
    Duration idle = 60s;        // between two reads of it
    Duration keep_alive = 60s;  // of an idle connection
  };
  struct Retries {
    std::uint32_t attempts = 1;
    std::uint32_t budget = 20;  // percent of the requests
  };
  struct Eject {
    std::uint32_t failures = 5;  // 0: off
    Duration window = 10s;
    Duration base = 10s;
    Duration max = 300s;
    std::uint32_t at_most = 50;  // percent of the endpoints
  };
  struct Queue {
    std::uint32_t depth = 128;
    Duration timeout = 5s;
  };
  struct Sticky {
    std::string cookie;        // empty: off
    std::string key = "auto";  // signs the cookies; auto: a new one at each start
  };

  std::string name;
  std::vector<Server> servers;
  std::string pool;  // whose workers are its endpoints, instead of servers
  std::string dns;   // name:port; all its addresses are endpoints
  std::string srv;   // _service._proto.name
  Balance balance = Balance::kP2c;
  std::string hash = "address";  // of kHash: address, path, header:NAME or cookie:NAME
  Sticky sticky;
  UpstreamTls tls;
  Health health;
  Timeouts timeouts;
  Retries retries;
  Eject eject;
  Queue queue;
  std::uint32_t max_connections = 1000;   // open at once to one endpoint, by one worker
  std::uint32_t idle_connections = 1000;  // kept open to one endpoint, by one worker
  UpstreamProtocol protocol = UpstreamProtocol::kAuto;
  std::uint32_t streams = 100;  // at once on an HTTP/2 connection
  ProxyHeader proxy_protocol = ProxyHeader::kOff;
  Duration slow_start = 0s;          // an endpoint that is new or back gets its full share after
  std::uint32_t first_endpoint = 0;  // no option: row of place 0 of `pool`, on the endpoint board
};

}  // namespace roundhouse::config
