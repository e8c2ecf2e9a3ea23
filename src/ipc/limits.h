// Limits that the built-in workers of one pool share: one shared memory, made by the edge where
// such a limit is configured and given to each of its workers.
//
// It holds the token buckets of the pool's clients, which all workers write, and for each worker
// place the connections that it holds open by listener and by client address, which that worker
// alone writes and the edge zeroes between two processes of it: one that is killed leaks no count.
// Nothing is ever locked. The edge reads nothing here; a worker in an attacker's hands can make the
// limits of its own pool hold too much or too little, and no more.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/address.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/keyed_hash.h"
#include "base/unique_fd.h"
#include "ipc/address_table.h"
#include "ipc/rate_table.h"
#include "ipc/shared_memory.h"
#include "ipc/slot.h"

namespace roundhouse::ipc {

class Limits {
 public:
  // What both sides know from the configuration: sizes are computed from it and never read from the
  // memory.
  struct Shape {
    std::size_t places = 0;
    std::uint32_t worker_connections = 0;  // bounds what the others believe of one
    bool by_address = false;               // whether connections are counted by client address
  };

  // The edge's. Error: no memory.
  static Result<Limits> create(const Shape& shape, Time now);
  // A worker's.
  static Result<Limits> open(UniqueFd fd, const Shape& shape);

  int fd() const { return fd_.get(); }
  // By the edge, while the place has no process.
  void clear(std::size_t place);

  // Of a client in `scope`, which is a route or a listener. IPv6 clients count by their /64, which
  // is what one of them has.
  std::uint64_t key(std::uint32_t scope, const Address& client) const;
  Verdict take_token(std::uint64_t key, const Pace& pace, Time now);

  // Of one place. REQUIRES: Shape::by_address, as is the next one.
  AddressTable addresses(std::size_t place) const;
  std::uint64_t connections_of(std::uint64_t key) const;  // over all places
  Gauge& listener_active(std::size_t place, std::uint32_t listener) const;
  std::uint64_t listener_connections(std::uint32_t listener) const;  // over all places

 private:
  struct Header;
  struct Place;
  static std::size_t place_size(const Shape& shape);
  static std::size_t size_of(const Shape& shape);
  Header& header() const;
  Place& place(std::size_t index) const;

  UniqueFd fd_;
  Mapping mapping_;
  Shape shape_;
  HashKey hash_key_{};
  Time began_{};
};

}  // namespace roundhouse::ipc
