// What the monitor's probes of a pool's workers lead to.
#include "edge/pool.h"
#include "edge/process_probe.h"

namespace roundhouse::edge {

bool Pool::probed(std::size_t place, const ipc::CommandMessage& command) {
  WorkerHandle& handle = *handles_[place];
  const std::string& hangs_path = options_.liveness.path;
  const bool is_its_process = handle.pid() != 0 && handle.pid() == command.pid;
  switch (command.command) {
    case ipc::Command::kStop:
    case ipc::Command::kReload:
    case ipc::Command::kRestart:
    case ipc::Command::kScale:
      break;
    case ipc::Command::kWorkerReady:
      if (!is_its_process) return true;
      places_[place].probe_saw.clear();
      handle.answered_probe();
      return true;
    case ipc::Command::kWorkerNotYet:
      if (is_its_process && supervisor_.state(place) == WorkerState::kStarting)
        places_[place].probe_saw = "GET " + options_.ready.path + ": " + describe(command.last);
      return true;
    case ipc::Command::kWorkerHangs:
      if (!is_its_process || hangs_path.empty()) return true;
      const Actions actions = supervisor_.hangs(place, time_from_nanoseconds(command.since_ns),
                                                is_stopped(handle.pid()), loop_.now());
      if (actions.empty()) return true;
      places_[place].probe_saw = "GET " + hangs_path + ": " + describe(command.last) + ", " +
                                 std::to_string(options_.liveness.failures) + " times in a row";
      carry_out(actions);
      return true;
  }
  return false;
}

}  // namespace roundhouse::edge
