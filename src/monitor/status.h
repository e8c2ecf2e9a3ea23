// The status of an instance as JSON: GET /api/v1/status (docs/api.md). What `roundhouse status`
// shows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "metrics/snapshot.h"

namespace roundhouse::monitor {

// kOperator: came over the control socket, which only the owner can open. kAnyone: came over TCP;
// sees neither where the configuration is nor what clients asked for.
enum class Viewer : std::uint8_t { kOperator, kAnyone };

// The end of stderr of a process that ended, by the index of its worker over all pools and its pid.
using LastWords = std::function<std::string(std::size_t worker, std::int32_t pid)>;

// `last_words`: shown to an operator; none: nothing is known of any.
Json status(const metrics::Snapshot& snapshot, Viewer viewer, const LastWords& last_words = {});

// Why the instance should get no traffic, a line each; empty when it is ready.
std::string unready_reasons(const metrics::Snapshot& snapshot);
// Empty when the edge is alive.
std::string unhealthy_reason(const metrics::Snapshot& snapshot);

// Of a client's text, what a terminal or a page can show: "\x1b" for what is not printable ASCII.
std::string printable(std::string_view text);

}  // namespace roundhouse::monitor
