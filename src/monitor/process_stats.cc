#include "monitor/process_stats.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <memory>

#include "base/file.h"

namespace roundhouse::monitor {
namespace {

constexpr std::size_t kMaxFile = 4096;

// The next number of a space-separated list; moves past it.
std::optional<std::int64_t> next_number(std::string_view& rest) {
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (error != std::errc()) return std::nullopt;
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  return number;
}

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

}  // namespace

std::optional<ProcessStat> parse_stat(std::string_view text) {
  const auto name_end = text.rfind(')');
  if (name_end == std::string_view::npos || name_end + 3 > text.size()) return std::nullopt;
  std::string_view rest = text.substr(name_end + 3);  // behind ") S": the fourth field, proc(5)
  std::array<std::int64_t, 14> fields{};
  for (std::int64_t& field : fields) {
    const auto number = next_number(rest);
    if (!number) return std::nullopt;
    field = *number;
  }
  constexpr std::size_t kFirst = 4;
  std::int64_t ticks = 0;
  for (std::size_t field = 14; field <= 17; ++field) ticks += fields[field - kFirst];
  return ProcessStat{.parent = static_cast<pid_t>(fields[0]),
                     .cpu_ticks = static_cast<std::uint64_t>(ticks)};
}

std::optional<std::uint64_t> parse_statm(std::string_view text) {
  const auto size = next_number(text);
  const auto resident = size ? next_number(text) : std::nullopt;
  if (!resident || *resident < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*resident);
}

std::optional<ProcessStats> ProcessReader::read(pid_t pid, pid_t parent) const {
  static const double ticks_per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  static const auto page_size = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  if (pid <= 0) return std::nullopt;
  const std::string folder = root_ + "/" + std::to_string(pid);
  const auto stat_text = read_file(folder + "/stat", kMaxFile);
  const auto statm_text = read_file(folder + "/statm", kMaxFile);
  if (!stat_text || !statm_text) return std::nullopt;
  const auto stat = parse_stat(*stat_text);
  const auto pages = parse_statm(*statm_text);
  if (!stat || !pages || (parent != 0 && stat->parent != parent)) return std::nullopt;
  return ProcessStats{.cpu_seconds = static_cast<double>(stat->cpu_ticks) / ticks_per_second,
                      .resident_bytes = *pages * page_size,
                      .open_fds = count_fds(folder + "/fd")};
}

std::optional<std::uint64_t> ProcessReader::count_fds(const std::string& folder) const {
  // From Linux 6.2 on the size of the folder is the number, without a walk over thousands.
  struct stat status{};
  if (root_ == "/proc" && ::stat(folder.c_str(), &status) == 0 && status.st_size > 0) {
    return static_cast<std::uint64_t>(status.st_size);
  }
  const std::unique_ptr<DIR, CloseFolder> entries(::opendir(folder.c_str()));
  if (entries == nullptr) return std::nullopt;
  std::uint64_t count = 0;
  while (const dirent* entry = ::readdir(entries.get())) {
    if (entry->d_name[0] != '.') ++count;
  }
  return count;
}

}  // namespace roundhouse::monitor
