// A configuration in force, and what leads from one to the next. The fleet makes them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "config/options.h"
#include "config/rows.h"
#include "edge/acceptor.h"
#include "edge/pool.h"
#include "edge/rollout.h"
#include "ipc/endpoint_board.h"

namespace roundhouse::edge {

// What of a configuration in force other processes are given.
struct InForce {
  config::Configuration configuration;
  std::uint32_t number = 1;                             // counts them
  UniqueFd text;                                        // sealed
  std::shared_ptr<const ipc::EndpointBoard> endpoints;  // none where there are no upstreams
  UniqueFd endpoints_for_workers;
  UniqueFd access_log;                  // none: nobody writes one
  UniqueFd tls_files;                   // sealed, as read; no ticket keys; none: no TLS, as is:
  std::map<std::string, UniqueFd> tls;  // sealed, by pool: certificates and keys
  std::uint64_t tls_number = 0;         // of what is there now; grows
  UniqueFd tls_certificates;            // sealed, of everyone, no keys
  bool renews_certificates = false;     // those of the configuration before are others
};

// One of the configuration in force to another, or of some workers to others of the same.
struct Change {
  struct PoolChange {
    std::string pool;
    Pool::Generation next;  // none: it stays as it is
    Rollout::Plan plan;
    bool has_rollout = false;  // else its options alone are others
    bool is_new = false;
  };
  std::shared_ptr<InForce> next;  // none: it stays the same configuration
  std::optional<config::Rows> rows;
  std::vector<PoolChange> pools;
  std::vector<std::string> removed;  // pools
  // By listener, of the configuration in force or the next.
  struct ListenerChange {
    Acceptor::Sockets added;
    std::vector<Address> gone;
    std::vector<Address> anew;  // of these what is added is of another kind
    struct Move {
      std::size_t from;  // listener
      Address asked;
    };
    std::vector<Move> moved;  // from others
  };
  std::vector<ListenerChange> sockets;
  Time began{};
};

}  // namespace roundhouse::edge
