#include "config/cpu_count.h"

#include <sched.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "config/values.h"

namespace roundhouse::config {
namespace {

constexpr std::size_t kMaxProcFile = 64 * 1024;

using Quota = std::optional<std::uint32_t>;

std::string content_of(const std::string& path) {
  return read_file(path, kMaxProcFile).value_or("");
}

std::string_view next_word(std::string_view& text, char separator) {
  const auto end = text.find(separator);
  const std::string_view word = text.substr(0, end);
  text = end == text.npos ? std::string_view() : text.substr(end + 1);
  return word;
}

Quota rounded_up(std::string_view quota_us, std::string_view period_us) {
  const auto quota = parse_count(quota_us);
  const auto period = parse_count(period_us);
  if (!quota || !period || *quota <= 0 || *period <= 0)
    return std::nullopt;  // "max" and -1 are no limit
  const std::int64_t cpus = *quota / *period + (*quota % *period == 0 ? 0 : 1);
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(cpus, 1, 1'000'000));
}

Quota quota_v2(const std::string& folder) {
  const std::string content = content_of(folder + "/cpu.max");  // "200000 100000\n"
  std::string_view line = content;
  line = next_word(line, '\n');
  const std::string_view quota = next_word(line, ' ');
  return rounded_up(quota, line);
}

Quota quota_v1(const std::string& folder) {
  const std::string quota = content_of(folder + "/cpu.cfs_quota_us");
  const std::string period = content_of(folder + "/cpu.cfs_period_us");
  std::string_view quota_line = quota;
  std::string_view period_line = period;
  return rounded_up(next_word(quota_line, '\n'), next_word(period_line, '\n'));
}

Quota fewer(Quota a, Quota b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

// The quota in `mount` itself and in each folder of `path` below it: a limit above holds as well.
Quota fewest_along(const std::string& mount, std::string_view path,
                   Quota (*quota_of)(const std::string& folder)) {
  Quota fewest = quota_of(mount);
  std::string folder = mount;
  while (!path.empty()) {
    const std::string_view name = next_word(path, '/');
    if (name.empty() || name == "..") continue;
    folder += '/';
    folder += name;
    fewest = fewer(fewest, quota_of(folder));
  }
  return fewest;
}

}  // namespace

Quota cgroup_cpu_quota(const std::string& root) {
  const std::string mount = root + "/sys/fs/cgroup";
  const std::string groups = content_of(root + "/proc/self/cgroup");
  Quota fewest;
  for (std::string_view rest = groups; !rest.empty();) {
    std::string_view path =
        next_word(rest, '\n');  // ID:CONTROLLERS:PATH; version 2 has none of the second
    next_word(path, ':');
    std::string_view controllers = next_word(path, ':');
    if (controllers.empty()) fewest = fewer(fewest, fewest_along(mount, path, quota_v2));
    while (!controllers.empty()) {
      if (next_word(controllers, ',') != "cpu") continue;
      for (const char* name : {"/cpu", "/cpu,cpuacct", "/cpuacct,cpu"}) {
        fewest = fewer(fewest, fewest_along(mount + name, path, quota_v1));
      }
    }
  }
  return fewest;
}

std::uint32_t cpu_count() {
  std::uint32_t allowed = 1;
  std::vector<cpu_set_t> mask(16);  // 16,384 CPUs
  if (sched_getaffinity(0, mask.size() * sizeof(cpu_set_t), mask.data()) == 0) {
    allowed = static_cast<std::uint32_t>(CPU_COUNT_S(mask.size() * sizeof(cpu_set_t), mask.data()));
  }
  return std::max<std::uint32_t>(1, fewer(allowed, cgroup_cpu_quota("")).value_or(1));
}

}  // namespace roundhouse::config
