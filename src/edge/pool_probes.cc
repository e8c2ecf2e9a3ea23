// What the monitor's probes of a pool's workers lead to.
#include <algorithm>

#include "edge/pool.h"
#include "edge/process_probe.h"

namespace roundhouse::edge {

bool Pool::probed(const ipc::CommandMessage& command) {
  const auto found = std::ranges::find_if(used_, [&](std::size_t used) {
    return command.pid != 0 && places_[used].handle->pid() == command.pid;
  });
  if (found == used_.end()) return true;  // it has ended meanwhile
  const std::size_t place = *found;
  WorkerHandle& handle = *places_[place].handle;
  const config::Pool& options = *places_[place].generation->options;
  const std::string& hangs_path = options.liveness.path;
  switch (command.command) {
    case ipc::Command::kStop:
    case ipc::Command::kReload:
    case ipc::Command::kRestart:
    case ipc::Command::kScale:
      break;
    case ipc::Command::kWorkerReady:
      places_[place].probe_saw.clear();
      handle.answered_probe();
      return true;
    case ipc::Command::kWorkerNotYet:
      if (supervisor_.state(place) == WorkerState::kStarting)
        places_[place].probe_saw = "GET " + options.ready.path + ": " + describe(command.last);
      return true;
    case ipc::Command::kWorkerHangs:
      if (hangs_path.empty()) return true;
      const Actions actions = supervisor_.hangs(place, time_from_nanoseconds(command.since_ns),
                                                is_stopped(handle.pid()), loop_.now());
      if (actions.empty()) return true;
      places_[place].probe_saw = "GET " + hangs_path + ": " + describe(command.last) + ", " +
                                 std::to_string(options.liveness.failures) + " times in a row";
      carry_out(actions);
      return true;
  }
  return false;
}

}  // namespace roundhouse::edge
