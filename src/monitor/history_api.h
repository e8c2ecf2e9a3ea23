// The instance's past as JSON: GET /api/v1/history and /api/v1/events (docs/api.md), and what of it
// the stream tells.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/json.h"
#include "ipc/history_board.h"
#include "monitor/status.h"

namespace roundhouse::monitor {

// Both rings, a list for each series, as charts want them.
Json history(const ipc::HistoryBoard& board);
// The newest sample of a second; null if there is none.
Json newest_sample(const ipc::HistoryBoard& board);

Json event(const ipc::Event& event, Viewer viewer);
// Those after this one; all that are kept if there is no such one yet, as after a new start of the
// instance.
Json events(const ipc::HistoryBoard& board, std::uint64_t after, Viewer viewer);

// N of "after=N" in a query; 0 if there is none.
std::uint64_t after_of(std::string_view query);

}  // namespace roundhouse::monitor
