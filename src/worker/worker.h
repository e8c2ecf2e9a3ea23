// A built-in worker process: takes connections from the edge, serves each in a session of its own,
// drains when told.
#pragma once

#include "base/error.h"
#include "ipc/heritage.h"

namespace roundhouse::worker {

// Until it is drained, or its edge is dead and what it had begun is finished. Error: what the edge
// gave is unusable.
Result<void> run_worker(ipc::Heritage heritage);

}  // namespace roundhouse::worker
