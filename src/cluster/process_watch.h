// Tells that a child has ended, without SIGCHLD, which is the program's: by a pidfd.
#pragma once

#include <sys/types.h>

#include <functional>

#include "base/unique_fd.h"
#include "net/event_loop.h"

namespace roundhouse::membership {

// Destroy it later than inside its callback.
class ProcessWatch final : private IoHandler {
 public:
  // `ended` is called when the child can be waited for, and again until it has been.
  ProcessWatch(EventLoop& loop, pid_t pid, std::function<void()> ended);
  // False: the kernel gives no pidfd, and nothing will be told.
  bool works() const { return static_cast<bool>(process_); }
  void stop() { watcher_.stop(); }

 private:
  void on_ready(Ready /*ready*/) override { ended_(); }

  UniqueFd process_;
  const std::function<void()> ended_;
  IoWatcher watcher_;
};

}  // namespace roundhouse::membership
