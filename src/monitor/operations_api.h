// The part of the API by which operators change a running instance: it passes what they ask for to
// the edge, and tells what became of it. No socket here.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ipc/messages.h"
#include "metrics/snapshot.h"

namespace roundhouse::monitor {

// Which command a request means, or why none.
struct Asked {
  std::optional<ipc::CommandMessage> command;
  int status = 0;  // where there is none, of the answer
  std::string why;
};

// Paths of what can be asked for: POST /api/v1/reload, /api/v1/restart,
// /api/v1/pools/NAME/restart, /api/v1/pools/NAME/workers/ID/restart, and
// /api/v1/pools/NAME/scale with {"workers": N}.
bool is_operation(std::string_view path);

// REQUIRES: is_operation(path). The command has neither ticket nor configuration yet.
Asked command_of(std::string_view path, std::string_view body, const metrics::Snapshot& snapshot);

}  // namespace roundhouse::monitor
