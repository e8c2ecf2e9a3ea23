// A process and what it has forked, and the sockets that they hold, as /proc has it.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace roundhouse {

// `leader` and its descendants, at most `most` of them. A bounded number of threads of each is
// asked whom it has forked, and no other process is looked at.
std::vector<pid_t> family_of(pid_t leader, std::size_t most);

// Adds the inodes of the sockets that the process holds, as often as it holds them; looks at no
// more than `descriptors_left` descriptors, and takes those off. False: not all of them were seen,
// since there are more, or since they are not ours to look at, or since it is gone.
bool add_socket_inodes(pid_t pid, std::size_t& descriptors_left,
                       std::vector<std::uint64_t>& inodes);

}  // namespace roundhouse
