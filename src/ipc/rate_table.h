// Token buckets of many clients in shared memory, taken from by several processes at once.
//
// Each bucket is one atomic word: 16 bits of its key's hash and the time at which it will be full
// again (GCRA's theoretical arrival time, ITU-T I.371), 48 bits of microseconds. So a token is
// taken by one compare-and-swap; there is no lock, and a process that dies at any point leaves
// nothing behind. A word of 0 is a bucket that nobody uses.
//
// The table is bounded: a key has kWays places in its set. Where all are taken, the one that is
// nearest to being full again makes room, so a flood of keys loosens limits a little and never
// tightens one. Two keys of one set whose 16 bits agree share a bucket, which the hash's secret key
// keeps anybody from aiming at.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/clock.h"

namespace roundhouse::ipc {

// A bucket of `count` tokens that is filled in `per`. Intervals are whole microseconds: more than
// 1,000,000 a second are held as that.
struct Pace {
  std::uint64_t interval_us = 0;  // earns one token
  std::uint64_t window_us = 0;    // earns all of them
  static Pace of(std::uint32_t count, Duration per);
};

struct Verdict {
  bool allowed = true;
  Duration retry_after{};  // if not: when there is a token
};

// A view; the memory outlives it.
class RateTable {
 public:
  using Cell = std::atomic<std::uint64_t>;
  static_assert(Cell::is_always_lock_free);
  static constexpr std::size_t kWays = 4;
  // With 65,536 clients that are not full again at once the table is. At 512 KiB it fits into the
  // second-level cache, and only the pages in use are resident.
  static constexpr std::size_t kSets = 16384;

  // REQUIRES: kWays cells for each of a power of two of sets.
  explicit RateTable(std::span<Cell> cells) : cells_(cells) {}

  // `now` is since a moment before the table was first used, for every process the same.
  Verdict take(std::uint64_t key, const Pace& pace, Duration now);

 private:
  std::span<Cell> cells_;
};

}  // namespace roundhouse::ipc
