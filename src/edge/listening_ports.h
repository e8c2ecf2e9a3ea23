// On which TCP ports a process and what it has forked listen: for the operator whose program does
// not listen where it was told to.
#pragma once

#include <sys/types.h>

#include <string>

namespace roundhouse::edge {

// ":3000, :9000"; at most a few; empty if there are none, or it cannot be told. Looks at no process
// but `leader` and its descendants, at a bounded number of these and of their descriptors, and at
// no socket that does not listen: a few milliseconds, however much runs on the machine.
std::string ports_of(pid_t leader);

}  // namespace roundhouse::edge
