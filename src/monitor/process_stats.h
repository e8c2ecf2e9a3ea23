// What /proc says about a process: CPU time, memory, descriptors.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace roundhouse::monitor {

struct ProcessStat {
  pid_t parent = 0;
  // User and system, in clock ticks; of children too that it has waited for, as in the rusage of
  // the dead.
  std::uint64_t cpu_ticks = 0;
};

// The text of /proc/PID/stat. The name of the program in it may hold anything, ')' and spaces too.
std::optional<ProcessStat> parse_stat(std::string_view text);
// The text of /proc/PID/statm: resident pages.
std::optional<std::uint64_t> parse_statm(std::string_view text);

struct ProcessStats {
  double cpu_seconds = 0;
  std::uint64_t resident_bytes = 0;
  std::optional<std::uint64_t> open_fds;  // none: not ours to look at
};

// Reads below `root`, which is /proc but in tests.
class ProcessReader {
 public:
  explicit ProcessReader(std::string root = "/proc") : root_(std::move(root)) {}

  // None if there is no such process, or, when `parent` is not 0, if it is the child of another:
  // the pid has been used again.
  std::optional<ProcessStats> read(pid_t pid, pid_t parent) const;

 private:
  std::optional<std::uint64_t> count_fds(const std::string& folder) const;

  std::string root_;
};

}  // namespace roundhouse::monitor
