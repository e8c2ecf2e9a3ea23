// SipHash-2-4 (Aumasson and Bernstein, 2012): a hash of which nobody who does not know the key can
// make two inputs collide. For tables whose keys come from strangers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace roundhouse {

using HashKey = std::array<std::uint64_t, 2>;

std::uint64_t keyed_hash(const HashKey& key, std::span<const std::uint8_t> bytes);

}  // namespace roundhouse
