// What there is to be measured.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace roundhouse::metrics {

// What the configuration says and the board does not. In the configuration's order, which is the
// board's: listeners, and workers of the first pool, of the second, ...
struct Layout {
  struct Pool {
    std::string name;
    std::string type;    // "hello", "proxy", "native", "node"
    std::string policy;  // "rr", "none", ...
    std::uint32_t workers = 0;
    // Rows on the board: of each id several, for processes of different generations.
    std::size_t first_row = 0;
    std::uint32_t ids = 0;
    std::uint32_t seats = 1;
    std::uint32_t worker_connections = 0;
    bool tells = true;  // false: a program that knows nothing of us, whose slot stays empty
  };
  struct Listener {
    std::string name;
    std::string pool;
    std::uint32_t max_connections = 0;
    bool tls = false;
    bool proxy_protocol = false;
    bool http2 = false;  // and its workers tell of it
    struct Certificate {
      std::string name;
      std::int64_t not_after = 0;  // Unix time
    };
    std::vector<Certificate> certificates = {};  // each name once
  };
  struct Upstream {
    std::string name;
    bool probed = false;  // actively
    bool asked = false;   // its endpoints are workers that are asked whether they are well
    std::string pool;     // whose workers are its endpoints; empty: they are servers
    bool named = false;   // has endpoints that are found by name
    bool tls = false;     // they are spoken to under TLS
  };
  std::vector<Pool> pools;
  std::vector<Listener> listeners;
  struct Route {
    std::string name;
    std::uint32_t row = 0;  // of the slots
  };
  std::vector<Route> routes;
  std::vector<Upstream> upstreams;
  std::vector<std::string> failures;  // an empty name is no failure
};

}  // namespace roundhouse::metrics
