// Notices that files were replaced, however that was done: written over, renamed over, or by a
// symbolic link on the way to them that leads elsewhere now (certbot, volumes of Kubernetes).
#pragma once

#include <sys/stat.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "net/event_loop.h"

namespace roundhouse::edge {

// By inotify on their folders; and by a look now and then, for file systems and links that it does
// not tell of.
class FileWatch final : private IoHandler {
 public:
  // What the file system says of a file; all zero: nothing.
  struct Stamp {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    std::int64_t modified_ns = 0;
    std::int64_t changed_ns = 0;
    bool operator==(const Stamp&) const = default;
  };
  using Stamps = std::vector<Stamp>;

  // Several files that belong together are written one after the other: so long none may change
  // before they are looked at.
  static constexpr Duration kSettled = std::chrono::seconds(1);
  static constexpr Duration kLookEvery = std::chrono::seconds(30);

  // `changed`: they are others than those read. False: not now, ask again; true: that state of them
  // is never told again.
  FileWatch(EventLoop& loop, std::function<bool()> changed);

  static Stamps stamps_of(const std::vector<std::string>& paths);
  // These from now on. `read`: their stamps from before they were read.
  void follow(std::vector<std::string> paths, Stamps read);
  void stop();

 private:
  void on_ready(Ready ready) override;
  void watch_folders();
  void look();

  EventLoop& loop_;
  const std::function<bool()> changed_;
  UniqueFd inotify_;  // none: it is not to be had
  IoWatcher watcher_;
  Timer settled_;
  Timer again_;
  std::vector<std::string> paths_;
  Stamps known_;                    // read, or told of
  std::optional<Stamps> settling_;  // others, which may not be the last
};

}  // namespace roundhouse::edge
