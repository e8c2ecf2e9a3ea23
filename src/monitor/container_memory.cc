#include "monitor/container_memory.h"

#include <charconv>
#include <ranges>
#include <string_view>

#include "base/file.h"

namespace roundhouse::monitor {
namespace {

constexpr std::size_t kMaxFile = 16 * 1024;
// Version 1 writes "no limit" as the largest multiple of a page.
constexpr std::uint64_t kNoLimit = 1ULL << 62;

std::optional<std::uint64_t> read_number(const std::string& path) {
  const auto text = read_file(path, kMaxFile);
  if (!text) return std::nullopt;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc()) return std::nullopt;  // "max"
  return number;
}

// The path behind "N:CONTROLLERS:" of /proc/self/cgroup, for the line whose controllers fit.
template <typename Fits>
std::optional<std::string> path_of_group(const std::string& groups, Fits fits) {
  for (auto&& part : std::views::split(groups, '\n')) {
    const std::string_view line(part.begin(), part.end());
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == line.npos || second == line.npos) continue;
    if (fits(line.substr(first + 1, second - first - 1))) {
      return std::string(line.substr(second + 1));
    }
  }
  return std::nullopt;
}

bool names_memory(std::string_view controllers) {
  for (auto&& part : std::views::split(controllers, ',')) {
    if (std::string_view(part.begin(), part.end()) == "memory") return true;
  }
  return false;
}

// A container without a namespace for cgroups reads the host's path but sees its own group at the
// top of the mount.
std::optional<std::uint64_t> read_in(const std::string& mount, const std::string& path,
                                     const std::string& file) {
  if (const auto number = read_number(mount + path + "/" + file)) return number;
  return path == "/" ? std::nullopt : read_number(mount + "/" + file);
}

}  // namespace

ContainerMemory read_container_memory(const std::string& root) {
  const std::string mount = root + "/sys/fs/cgroup";
  const auto groups = read_file(root + "/proc/self/cgroup", kMaxFile);
  if (!groups) return {};
  ContainerMemory memory;
  if (const auto path = path_of_group(*groups, names_memory)) {
    memory.used = read_in(mount + "/memory", *path, "memory.usage_in_bytes");
    memory.limit = read_in(mount + "/memory", *path, "memory.limit_in_bytes");
    if (memory.limit && *memory.limit >= kNoLimit) memory.limit.reset();
    // The whole machine is no container.
    if (*path == "/" && !memory.limit) memory.used.reset();
  } else if (const auto unified =
                 path_of_group(*groups, [](std::string_view name) { return name.empty(); })) {
    memory.used = read_in(mount, *unified, "memory.current");
    memory.limit = read_in(mount, *unified, "memory.max");
  }
  return memory;
}

}  // namespace roundhouse::monitor
