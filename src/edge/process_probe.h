// What the edge reads of a process in /proc.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace roundhouse::edge {

// True if it is stopped (SIGSTOP, a debugger). False also if it is gone.
bool is_stopped(pid_t pid);
// Resident memory in bytes; 0 if it cannot be told.
std::uint64_t resident_bytes(pid_t pid);
// How often the kernel has killed for want of memory in our cgroup; 0 if it cannot be told.
std::uint64_t out_of_memory_kills();

}  // namespace roundhouse::edge
