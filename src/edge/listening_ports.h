// On which TCP ports a process and what it has forked listen, from /proc: for the operator whose
// program does not listen where it was told to.
#pragma once

#include <sys/types.h>

#include <string>

namespace roundhouse::edge {

// ":3000, :9000"; at most a few; empty if there are none, or it cannot be told. `leader`:
// of the process group.
std::string ports_of(pid_t leader);

}  // namespace roundhouse::edge
