// How many connections a worker holds open from each client address: a hash table in shared memory
// that this worker alone writes, while the others of its pool read it.
//
// Each entry is one atomic word, 48 bits of the key's hash and a count of 16. Entries move when
// another is removed: a reader may then miss one for a moment, and lets one connection too many in.
// Whatever stands in the memory, every search ends.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace roundhouse::ipc {

// A view; the memory outlives it. Linear probing, with backward shifts instead of tombstones.
class AddressTable {
 public:
  using Cell = std::atomic<std::uint64_t>;
  static_assert(Cell::is_always_lock_free);

  // Twice the connections of a worker, with what it takes beyond them while it drains: at least
  // half of the table stays empty, and searches short.
  static std::size_t cells_for(std::uint32_t worker_connections);

  // REQUIRES: a power of two of cells, zeroed before the first use.
  explicit AddressTable(std::span<Cell> cells) : cells_(cells) {}

  // By anybody.
  std::uint32_t count(std::uint64_t key) const;
  // By the writer. False: there is no room, and it is not counted.
  bool add(std::uint64_t key);
  void remove(std::uint64_t key);
  // By whoever owns the memory, while there is no writer.
  void clear();

 private:
  // Where the key is, or the first free place behind; none after kProbesMax.
  Cell* find(std::uint64_t tag) const;
  std::size_t home(std::uint64_t tag) const { return tag & (cells_.size() - 1); }
  void close_gap(std::size_t gap);

  std::span<Cell> cells_;
};

}  // namespace roundhouse::ipc
