// What the dashboard is told every second, as server-sent events (WHATWG HTML, 9.2):
// GET /api/v1/stream (docs/api.md).
#pragma once

#include <cstdint>
#include <string>

#include "base/json.h"
#include "ipc/history_board.h"
#include "metrics/snapshot.h"
#include "monitor/status.h"

namespace roundhouse::monitor {

// The status with the last exit of each worker alone, and the newest sample of the history.
Json live(const metrics::Snapshot& snapshot, const ipc::HistoryBoard& board, Viewer viewer);

// How long a client waits before it comes again.
std::string stream_beginning();
// One of type `snapshot`.
std::string stream_snapshot(const Json& live);
// One of type `event` for each after this, with its sequence as its id.
std::string stream_events(const ipc::HistoryBoard& board, std::uint64_t after, Viewer viewer);

}  // namespace roundhouse::monitor
