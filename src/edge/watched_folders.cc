#include "edge/watched_folders.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <string_view>
#include <utility>

namespace roundhouse::edge {
namespace {

constexpr int kMaxLinks = 40;  // as the kernel has it (path_resolution(7))

std::string next_name(std::string& rest) {
  rest.erase(0,
             rest.find_first_not_of('/') == rest.npos ? rest.size() : rest.find_first_not_of('/'));
  const std::string name = rest.substr(0, rest.find('/'));
  rest.erase(0, name.size());
  return name;
}

std::string target_of(const std::string& link) {
  std::array<char, PATH_MAX> target{};
  const ssize_t size = ::readlink(link.c_str(), target.data(), target.size());
  return size <= 0 ? "" : std::string(target.data(), static_cast<std::size_t>(size));
}

}  // namespace

// `folder` holds no link but its own "..": what a link leads to is walked in its place.
void add_folders_of(const std::string& path, WatchedFolders& folders) {
  std::string folder = path.starts_with('/') ? "/" : ".";
  std::string rest = path;
  int links = 0;
  for (std::string name = next_name(rest); !name.empty(); name = next_name(rest)) {
    const std::string here = (folder == "/" ? "" : folder) + "/" + name;
    struct stat status{};
    const bool is_there = ::lstat(here.c_str(), &status) == 0;
    if (is_there && S_ISDIR(status.st_mode)) {
      folder = here;
      continue;
    }
    folders[folder].insert(name);
    if (!is_there || !S_ISLNK(status.st_mode) || ++links > kMaxLinks) return;
    std::string target = target_of(here);
    if (target.empty()) return;
    if (target.starts_with('/')) folder = "/";
    rest = std::move(target.append(rest));
  }
}

}  // namespace roundhouse::edge
