// Tells when files in folders may be others: inotify, of the names that matter.
//
// What it cannot watch (no descriptors or watches left, a file system of another machine, a folder
// above that is moved away) it says nothing about: somebody looks now and then all the same.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>

#include "base/unique_fd.h"
#include "edge/watched_folders.h"
#include "net/event_loop.h"

namespace roundhouse::edge {

class FolderWatch final : private IoHandler {
 public:
  FolderWatch(EventLoop& loop, std::function<void()> changed);

  // These, and no others. True: some are watched that were not, and may have changed just before.
  bool set(const WatchedFolders& folders);
  std::size_t watched() const { return names_.size(); }

 private:
  void on_ready(Ready ready) override;
  bool matters(int watch, const char* name, std::uint32_t what);

  EventLoop& loop_;
  const std::function<void()> changed_;
  UniqueFd fd_;
  IoWatcher watcher_;
  std::map<int, std::set<std::string>> names_;  // by watch
};

}  // namespace roundhouse::edge
