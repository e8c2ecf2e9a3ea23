// What a worker does when it dies of a signal of its own making: it leaves a record in its slot,
// then dies of that signal.
//
// The record is the signal, the address and a backtrace; the requests in flight are in the slot
// already. Only async-signal-safe work, on a stack of its own. The edge reads the record when it
// has reaped the process.
#pragma once

#include "ipc/slot.h"

namespace roundhouse::worker {

// SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT. `slot` must live as long as the process.
void install_crash_handler(ipc::Slot& slot);

}  // namespace roundhouse::worker
