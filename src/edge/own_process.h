// This program run once more, for what the edge does not do itself: it prints what it has found,
// and exits. Whatever it reads can neither crash nor block the edge.
#pragma once

#include <sys/types.h>

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "net/event_loop.h"

namespace roundhouse::edge {

inline constexpr Duration kReadWithin = std::chrono::seconds(15);
inline constexpr std::size_t kPrintedBytesMax = 64 * 1024 * 1024;

class OwnProcess final : private IoHandler {
 public:
  // `task`: "reading the configuration", for errors. `variable`: what tells the process, in its
  // environment, what it is started for.
  struct Setting {
    std::string task;
    std::vector<std::string> arguments;  // [0] included
    std::string variable;
  };
  using Done = std::function<void(Result<std::string> printed)>;
  OwnProcess(EventLoop& loop, Setting setting, Done done);
  ~OwnProcess();

  // `descriptors` become 3, 4, ... of it. Done is called later, once, whatever becomes of it.
  // REQUIRES: nothing is awaited.
  void start(std::span<const int> descriptors = {});
  // Done will not be called.
  void cancel();
  // There is such a process still, even if nobody waits for it: on a file system that hangs, one
  // that was killed may stay for long.
  bool lingers() const { return pid_ != 0; }
  // True if the process was this one.
  bool reaped(pid_t pid);

 private:
  void on_ready(Ready ready) override;
  Result<void> spawn_process(std::span<const int> descriptors);
  void release();
  void end(Result<std::string> printed);

  EventLoop& loop_;
  const Setting setting_;
  const Done done_;
  UniqueFd output_;
  IoWatcher watcher_;
  Timer deadline_;
  std::string printed_;
  pid_t pid_ = 0;
};

}  // namespace roundhouse::edge
