// How many descriptors this process may have, and how many connections may therefore be on their
// way to its workers.
#pragma once

#include <cstddef>
#include <cstdint>

#include "config/options.h"

namespace roundhouse::edge {

// Of the edge that are no connections: its own, with some to spare for those just accepted.
inline constexpr std::uint64_t kOwnDescriptors = 32;

// And of all workers: the slot and both ends of the channel, of a program also what it prints to,
// and the sockets that are for one worker alone.
std::uint64_t descriptors_of_workers(const config::Configuration& configuration);

// To what the hard limit allows; returns it, 0 if it is not known.
std::uint64_t raise_descriptor_limit();

// What is on its way to the workers must fit into this process again: when they stall or die it is
// received back, and a descriptor for which there is no room is lost (MSG_CTRUNC). `others`: that
// are no connections. At least 1.
std::uint32_t depth_that_fits(std::uint32_t wanted, std::uint64_t limit, std::uint64_t others,
                              std::size_t workers);

}  // namespace roundhouse::edge
