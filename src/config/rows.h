// Which numbers the things of a configuration have in memory that processes share, so that they
// keep them when another configuration is put in force.
//
// Workers of two generations count at once, and counters never go back: what has the same name has
// the same row in both. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "config/checks.h"
#include "config/options.h"

namespace roundhouse::config {

inline constexpr std::size_t kEndpointRows = 1024;  // of all upstreams

// What has been given out. Copy it to try: what comes of a refused configuration is thrown away.
class Rows {
 public:
  // Of worker rows on the board; as many as `needed` for the start and some for what comes later.
  static std::size_t board_rows(const Configuration& configuration);

  explicit Rows(std::size_t board_rows) : board_(board_rows) {}

  // Gives everything in it its rows. A listener and an upstream have theirs by their position, so
  // places of those that are gone stay as ones without a name: see is_vacant(). A pool keeps its
  // rows as long as they are enough for its workers. Error: there are no rows left.
  Result<void> assign(Configuration& configuration);
  // Nothing of the pool runs any more.
  void release_pool(const std::string& pool);

 private:
  struct Pool {
    PoolRows rows;
    std::map<std::string, std::uint32_t> endpoints;  // first, by upstream
  };

  Result<void> assign_pool(Configuration& configuration, config::Pool& pool);
  Result<void> assign_endpoints(Configuration& configuration, Upstream& upstream);
  std::size_t find_board_rows(std::size_t count) const;

  std::vector<bool> board_;  // taken
  std::vector<bool> endpoints_ = std::vector<bool>(kEndpointRows);
  std::vector<std::string> listeners_;
  std::vector<std::string> upstreams_;
  std::vector<std::string> routes_;
  std::map<std::string, Pool> pools_;
};

// Why a pool of so many workers cannot have the rows that its name has. Empty: it can.
std::string lack_of_room(std::uint32_t workers, std::uint32_t seats, const PoolRows& rows);

// A configuration that is the first and only one.
Result<void> assign_rows(Configuration& configuration);

// The place of a listener or an upstream that there is no more.
template <typename Named>
bool is_vacant(const Named& named) {
  return named.name.empty();
}

}  // namespace roundhouse::config
