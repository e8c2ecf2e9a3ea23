// The run: many clients in one thread, begun at once or on time.
#pragma once

#include <atomic>

#include "bench/load/client.h"

namespace roundhouse::bench {

// Begins no more requests once `stop` is true, the requests or the time are over; then waits for
// the answers that are due.
Report run_load(const Options& options, const std::atomic<bool>& stop);

}  // namespace roundhouse::bench
