#include "edge/folder_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace roundhouse::edge {
namespace {

// Whatever makes the file of a name another one. Not IN_MODIFY: the end of the writing is told.
constexpr std::uint32_t kChanges = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                                   IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF |
                                   IN_ONLYDIR;
// The folder itself is another, or some events were lost.
constexpr std::uint32_t kWhole =
    IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED | IN_Q_OVERFLOW;

}  // namespace

FolderWatch::FolderWatch(EventLoop& loop, std::function<void()> changed)
    : loop_(loop), changed_(std::move(changed)) {}

// A folder by another path has the same watch: the names of both count.
bool FolderWatch::set(const WatchedFolders& folders) {
  if (!fd_ && !folders.empty()) {
    fd_ = UniqueFd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!fd_) return false;
    watcher_.watch(loop_, fd_.get(), Interest::kRead, Trigger::kLevel, *this);
  }
  std::map<int, std::set<std::string>> names;
  for (const auto& [folder, of_interest] : folders) {
    const int watch = ::inotify_add_watch(fd_.get(), folder.c_str(), kChanges);
    if (watch < 0) continue;
    names[watch].insert(of_interest.begin(), of_interest.end());
  }
  const bool is_another = std::ranges::any_of(names, [&](const auto& watched) {
    const auto before = names_.find(watched.first);
    return before == names_.end() || before->second != watched.second;
  });
  for (const auto& [watch, before] : names_) {
    if (!names.contains(watch)) ::inotify_rm_watch(fd_.get(), watch);
  }
  names_ = std::move(names);
  return is_another;
}

bool FolderWatch::matters(int watch, const char* name, std::uint32_t what) {
  if ((what & IN_Q_OVERFLOW) != 0) return true;
  const auto found = names_.find(watch);
  if (found == names_.end()) return false;  // its end, which we asked for
  const bool matters = (what & kWhole) != 0 || found->second.contains(name);
  if ((what & IN_IGNORED) != 0) names_.erase(found);
  return matters;
}

void FolderWatch::on_ready(Ready /*ready*/) {
  alignas(inotify_event) std::array<char, 16384> events;
  const ssize_t got = ::read(fd_.get(), events.data(), events.size());
  bool changed = false;
  for (ssize_t at = 0; at < got;) {
    inotify_event event{};
    std::memcpy(&event, events.data() + at, sizeof event);
    const char* const name = event.len == 0 ? "" : events.data() + at + sizeof event;
    if (matters(event.wd, name, event.mask)) changed = true;
    at += static_cast<ssize_t>(sizeof event + event.len);
  }
  if (changed) changed_();
}

}  // namespace roundhouse::edge
