#include "ipc/address_table.h"

#include <algorithm>
#include <bit>

namespace roundhouse::ipc {
namespace {

constexpr int kTagBits = 48;
constexpr std::uint64_t kTagMask = (std::uint64_t{1} << kTagBits) - 1;
constexpr std::uint64_t kOne = std::uint64_t{1} << kTagBits;
constexpr std::uint64_t kCountMax = 0xffff;
// What a worker takes beyond its connections: the last message, and while it drains what lay in its
// channel (`handoff.depth` is at most 256).
constexpr std::uint64_t kExcess = 512;
// In a table that is half empty the longest run is far shorter.
constexpr std::size_t kProbesMax = 256;

std::uint64_t load(const AddressTable::Cell& cell) { return cell.load(std::memory_order_relaxed); }
void store(AddressTable::Cell& cell, std::uint64_t word) {
  cell.store(word, std::memory_order_relaxed);
}
std::uint64_t count_of(std::uint64_t word) { return word >> kTagBits; }

}  // namespace

std::size_t AddressTable::cells_for(std::uint32_t worker_connections) {
  return std::bit_ceil(2 * std::uint64_t{worker_connections} + kExcess);
}

AddressTable::Cell* AddressTable::find(std::uint64_t tag) const {
  std::size_t at = home(tag);
  for (std::size_t probes = std::min(kProbesMax, cells_.size()); probes > 0; --probes) {
    const std::uint64_t word = load(cells_[at]);
    if (count_of(word) == 0 || (word & kTagMask) == tag) return &cells_[at];
    at = (at + 1) & (cells_.size() - 1);
  }
  return nullptr;
}

std::uint32_t AddressTable::count(std::uint64_t key) const {
  const Cell* const cell = find(key & kTagMask);
  return cell == nullptr ? 0 : static_cast<std::uint32_t>(count_of(load(*cell)));
}

bool AddressTable::add(std::uint64_t key) {
  const std::uint64_t tag = key & kTagMask;
  Cell* const cell = find(tag);
  if (cell == nullptr) return false;
  const std::uint64_t word = load(*cell);
  if (count_of(word) == kCountMax) return false;
  store(*cell, count_of(word) == 0 ? kOne | tag : word + kOne);
  return true;
}

void AddressTable::remove(std::uint64_t key) {
  Cell* const cell = find(key & kTagMask);
  if (cell == nullptr) return;
  const std::uint64_t word = load(*cell);
  if (count_of(word) > 1) store(*cell, word - kOne);
  if (count_of(word) == 1) close_gap(static_cast<std::size_t>(cell - cells_.data()));
}

void AddressTable::clear() {
  for (Cell& cell : cells_) {
    if (load(cell) != 0) store(cell, 0);
  }
}

// What stands behind the gap moves into it, unless that is in front of its home.
void AddressTable::close_gap(std::size_t gap) {
  const std::size_t mask = cells_.size() - 1;
  std::size_t at = gap;
  for (std::size_t steps = 0; steps < mask; ++steps) {
    at = (at + 1) & mask;
    const std::uint64_t word = load(cells_[at]);
    if (count_of(word) == 0) break;
    const std::size_t distance = (at - home(word & kTagMask)) & mask;
    if (distance < ((at - gap) & mask)) continue;
    store(cells_[gap], word);
    gap = at;
  }
  store(cells_[gap], 0);
}

}  // namespace roundhouse::ipc
