#include "cluster/process_watch.h"

#include <sys/syscall.h>
#include <unistd.h>

namespace roundhouse::membership {

ProcessWatch::ProcessWatch(EventLoop& loop, pid_t pid, std::function<void()> ended)
    : process_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))), ended_(std::move(ended)) {
  if (process_) watcher_.watch(loop, process_.get(), Interest::kRead, Trigger::kLevel, *this);
}

}  // namespace roundhouse::membership
