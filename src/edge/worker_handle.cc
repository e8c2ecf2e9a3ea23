#include "edge/worker_handle.h"

#include <csignal>

namespace roundhouse::edge {

bool WorkerHandle::signal(int number) const {
  if (pid_ == 0) return false;
  // The group does not exist before the child has made it.
  return ::kill(-pid_, number) == 0 || ::kill(pid_, number) == 0;
}

}  // namespace roundhouse::edge
