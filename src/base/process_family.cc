#include "base/process_family.h"

#include <dirent.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

namespace roundhouse {
namespace {

constexpr std::size_t kMostThreads = 64;  // of a process

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};
using Folder = std::unique_ptr<DIR, CloseFolder>;

Folder open_folder(pid_t pid, const char* name) {
  return Folder(::opendir(("/proc/" + std::to_string(pid) + "/" + name).c_str()));
}

// The name of the next thread or descriptor; nullptr: there is none.
const char* next_number(const Folder& folder) {
  while (const dirent* entry = ::readdir(folder.get())) {
    if (entry->d_name[0] != '.') return entry->d_name;
  }
  return nullptr;
}

// Whoever one of its threads has forked.
void add_children(pid_t pid, std::size_t most, std::vector<pid_t>& processes) {
  const Folder threads = open_folder(pid, "task");
  if (threads == nullptr) return;
  for (std::size_t i = 0; i < kMostThreads; ++i) {
    const char* const thread = next_number(threads);
    if (thread == nullptr) return;
    std::ifstream children("/proc/" + std::to_string(pid) + "/task/" + thread + "/children");
    for (pid_t child = 0; processes.size() < most && children >> child;) processes.push_back(child);
  }
}

}  // namespace

std::vector<pid_t> family_of(pid_t leader, std::size_t most) {
  std::vector<pid_t> processes = {leader};
  for (std::size_t i = 0; i < processes.size(); ++i) add_children(processes[i], most, processes);
  return processes;
}

bool add_socket_inodes(pid_t pid, std::size_t& descriptors_left,
                       std::vector<std::uint64_t>& inodes) {
  constexpr std::string_view kSocket = "socket:[";
  const Folder descriptors = open_folder(pid, "fd");
  const int folder = descriptors == nullptr ? -1 : ::dirfd(descriptors.get());
  if (folder < 0) return false;
  while (const char* const number = next_number(descriptors)) {
    if (descriptors_left == 0) return false;
    --descriptors_left;
    std::array<char, 64> buffer;
    const ssize_t size = ::readlinkat(folder, number, buffer.data(), buffer.size());
    if (size < 0) continue;  // closed meanwhile
    const std::string_view target(buffer.data(), static_cast<std::size_t>(size));
    if (!target.starts_with(kSocket)) continue;
    std::uint64_t inode = 0;
    std::from_chars(target.data() + kSocket.size(), target.data() + target.size(), inode);
    inodes.push_back(inode);
  }
  return true;
}

}  // namespace roundhouse
