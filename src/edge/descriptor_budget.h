// How many descriptors this process may have, and how many connections may therefore be on their way
// to its workers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace roundhouse::edge {

// Of the edge that are no connections: its own, with some to spare for those just accepted, and of
// each worker the slot and both ends of the channel, and what else a kind of worker has.
inline constexpr std::uint64_t kOwnDescriptors = 32;
inline constexpr std::uint64_t kDescriptorsOfWorker = 3;

// To what the hard limit allows; returns it, 0 if it is not known.
std::uint64_t raise_descriptor_limit();

// What is on its way to the workers must fit into this process again: when they stall or die it is
// received back, and a descriptor for which there is no room is lost (MSG_CTRUNC). At least 1.
std::uint32_t depth_that_fits(std::uint32_t wanted, std::uint64_t limit, std::size_t workers);

}  // namespace roundhouse::edge
