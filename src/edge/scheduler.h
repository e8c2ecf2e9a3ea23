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

// One per pool. Workers are numbered by their places: several may be processes of one worker id,
// which differ by multiples of `ids`.
class Scheduler {
 public:
  // Nobody is there at first. `ids` 0: each place is an id of its own.
  Scheduler(config::Policy policy, std::size_t ids, std::size_t listeners);

  void enter(std::size_t worker);
  void leave(std::size_t worker);
  void set_policy(config::Policy policy) { policy_ = policy; }

  struct Workers {
    std::function<bool(std::size_t)> eligible;
    std::function<std::uint64_t(std::size_t)> load;  // open connections, for `least`
  };
  // rr: the next eligible worker after the one this listener had last (rotation is kept per
  // listener). least: the eligible worker with fewest open connections; among equals, by rotation.
  // sticky: the eligible worker with the highest hash of (peer host, worker id): only the clients
  // of a worker that is not eligible go elsewhere (rendezvous hashing), and a worker's successor
  // has its clients. none, rr_kernel: by rotation, what workers that accept for themselves have
  // given back or cannot take.
  std::optional<std::size_t> choose(const ipc::ConnectionInfo& connection, const Workers& workers);

 private:
  // The one at this distance behind the cursor, in rotation.
  std::size_t behind(std::size_t cursor, std::size_t steps) const;
  std::optional<std::size_t> next_in_rotation(std::size_t& cursor, const Workers& workers) const;
  std::optional<std::size_t> least_loaded(std::size_t& cursor, const Workers& workers) const;
  std::optional<std::size_t> stuck_to(const ipc::ConnectionInfo& connection,
                                      const Workers& workers) const;

  config::Policy policy_;
  std::size_t ids_;
  std::vector<std::size_t> present_;  // in the order of their places
  std::vector<std::size_t> cursors_;  // by listener: one more than the worker that had the last one
};

}  // namespace roundhouse::edge
