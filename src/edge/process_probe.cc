#include "edge/process_probe.h"

#include <unistd.h>

#include <array>
#include <fstream>
#include <sstream>

namespace roundhouse::edge {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The folder of our cgroup: version 2's line in /proc/self/cgroup is "0::/path". In a container its
// root is mounted.
std::string cgroup_directory() {
  std::istringstream lines(read_file("/proc/self/cgroup"));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("0::")) return "/sys/fs/cgroup" + line.substr(3);
  }
  return "/sys/fs/cgroup";
}

}  // namespace

bool is_stopped(pid_t pid) {
  const std::string stat = read_file("/proc/" + std::to_string(pid) + "/stat");
  const auto name_end = stat.rfind(')');  // the name may hold anything
  return name_end != stat.npos && name_end + 2 < stat.size() &&
         (stat[name_end + 2] == 'T' || stat[name_end + 2] == 't');
}

std::uint64_t resident_bytes(pid_t pid) {
  std::istringstream statm(read_file("/proc/" + std::to_string(pid) + "/statm"));
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  if (!(statm >> total >> resident)) return 0;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t out_of_memory_kills() {
  static const std::string directory = cgroup_directory();
  for (const std::string& path :
       {directory + "/memory.events", std::string("/sys/fs/cgroup/memory.events"),
        std::string("/sys/fs/cgroup/memory/memory.oom_control")}) {
    std::istringstream events(read_file(path));
    std::string key;
    std::uint64_t count = 0;
    while (events >> key >> count) {
      if (key == "oom_kill") return count;
    }
  }
  return 0;
}

}  // namespace roundhouse::edge
