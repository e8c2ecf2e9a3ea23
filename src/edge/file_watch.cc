#include "edge/file_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstdlib>
#include <memory>
#include <set>
#include <utility>

namespace roundhouse::edge {
namespace {

constexpr std::uint32_t kEvents =
    IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_ATTRIB | IN_ONLYDIR;

std::int64_t nanoseconds_of(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == path.npos) return ".";
  return path.substr(0, slash == 0 ? 1 : slash);
}

// Where the links lead; empty: nowhere.
std::string real_path(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr),
                                                         &std::free);
  return real == nullptr ? std::string() : real.get();
}

}  // namespace

FileWatch::FileWatch(EventLoop& loop, std::function<bool()> changed)
    : loop_(loop),
      changed_(std::move(changed)),
      settled_(loop, [this] { look(); }),
      again_(loop, [this] { look(); }) {}

FileWatch::Stamps FileWatch::stamps_of(const std::vector<std::string>& paths) {
  Stamps stamps;
  for (const std::string& path : paths) {
    struct stat status{};
    Stamp& stamp = stamps.emplace_back();
    if (::stat(path.c_str(), &status) != 0) continue;
    stamp = {.device = status.st_dev,
             .inode = status.st_ino,
             .size = status.st_size,
             .modified_ns = nanoseconds_of(status.st_mtim),
             .changed_ns = nanoseconds_of(status.st_ctim)};
  }
  return stamps;
}

void FileWatch::follow(std::vector<std::string> paths, Stamps read) {
  stop();
  if (paths.empty()) return;
  paths_ = std::move(paths);
  known_ = std::move(read);
  inotify_ = UniqueFd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (inotify_) watcher_.watch(loop_, inotify_.get(), Interest::kRead, Trigger::kLevel, *this);
  watch_folders();
  again_.start_periodic(kLookEvery);
  look();  // what changed since they were read
}

void FileWatch::stop() {
  watcher_.stop();
  inotify_.reset();
  settled_.stop();
  again_.stop();
  paths_.clear();
  settling_.reset();
}

// Those that the links lead to now as well: a file may be written over there.
void FileWatch::watch_folders() {
  if (!inotify_) return;
  std::set<std::string> folders;
  for (const std::string& path : paths_) {
    folders.insert(folder_of(path));
    if (const std::string real = real_path(path); !real.empty()) folders.insert(folder_of(real));
  }
  for (const std::string& folder : folders)
    ::inotify_add_watch(inotify_.get(), folder.c_str(), kEvents);
}

// Which file it was does not matter: others in the folder cost a look a second at most.
void FileWatch::on_ready(Ready /*ready*/) {
  alignas(inotify_event) std::array<char, 4096> events;
  while (::read(inotify_.get(), events.data(), events.size()) > 0) {
  }
  if (!settled_.running()) settled_.start_once(kSettled);
}

void FileWatch::look() {
  Stamps now = stamps_of(paths_);
  if (now == known_) return settling_.reset();
  if (settling_ != now) {
    settling_ = std::move(now);
    watch_folders();
    return settled_.start_once(kSettled);
  }
  if (!changed_()) return settled_.start_once(kSettled);
  known_ = std::move(now);
  settling_.reset();
}

}  // namespace roundhouse::edge
