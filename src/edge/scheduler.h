// Which worker gets the next connection. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "config/options.h"
#include "ipc/messages.h"

namespace roundhouse::edge {

// One per pool. `none` chooses nothing: the workers accept for themselves.
class Scheduler {
 public:
  Scheduler(config::Policy policy, std::size_t workers, std::size_t listeners);

  // One more, behind the others.
  void add_worker() { ++workers_; }

  struct Workers {
    std::function<bool(std::size_t)> eligible;
    std::function<std::uint64_t(std::size_t)> load;  // open connections, for `least`
  };
  // rr: the next eligible worker after the one this listener had last (rotation is kept per
  // listener). least: the eligible worker with fewest open connections; among equals, by rotation.
  // sticky: the eligible worker with the highest hash of (peer host, worker): only the clients of a
  // worker that is not
  //   eligible go elsewhere (rendezvous hashing).
  std::optional<std::size_t> choose(const ipc::ConnectionInfo& connection, const Workers& workers);

 private:
  std::optional<std::size_t> next_in_rotation(std::size_t& cursor, const Workers& workers) const;
  std::optional<std::size_t> least_loaded(std::size_t& cursor, const Workers& workers) const;
  std::optional<std::size_t> stuck_to(const ipc::ConnectionInfo& connection,
                                      const Workers& workers) const;

  config::Policy policy_;
  std::size_t workers_;
  std::vector<std::size_t> cursors_;  // by listener: the worker that had the last one
};

}  // namespace roundhouse::edge
