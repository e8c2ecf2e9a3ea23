#include "edge/listening_ports.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

namespace roundhouse::edge {
namespace {

constexpr std::size_t kMostShown = 4;
constexpr std::size_t kMostProcesses = 4096;  // looked at

// The inodes of the sockets of one process.
void add_sockets(const std::filesystem::path& process, std::set<std::string>& inodes) {
  std::error_code ignored;
  for (std::filesystem::directory_iterator entry(process / "fd", ignored), end;
       !ignored && entry != end; entry.increment(ignored)) {
    const std::string target = std::filesystem::read_symlink(entry->path(), ignored).string();
    if (target.starts_with("socket:[")) inodes.insert(target.substr(8, target.size() - 9));
  }
}

// The fields behind the name: state, parent, group.
bool is_of_group(const std::filesystem::path& process, pid_t group) {
  std::ifstream file(process / "stat");
  std::string stat;
  std::getline(file, stat);
  const auto name_end = stat.rfind(')');
  if (name_end == stat.npos) return false;
  std::istringstream fields(stat.substr(name_end + 1));
  std::string state;
  pid_t parent = 0;
  pid_t its_group = 0;
  return fields >> state >> parent >> its_group && its_group == group;
}

// The ports of "0100007F:1F90" and the like.
void add_ports(const char* table, const std::set<std::string>& inodes, std::set<int>& ports) {
  std::ifstream file(table);
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::string number, local, remote, state, queues, timer, retransmits, user, timeout, inode;
    fields >> number >> local >> remote >> state >> queues >> timer >> retransmits >> user >>
        timeout >> inode;
    constexpr const char* kListening = "0A";
    const auto colon = local.rfind(':');
    if (state != kListening || colon == local.npos || !inodes.contains(inode)) continue;
    ports.insert(static_cast<int>(std::strtol(local.c_str() + colon + 1, nullptr, 16)));
  }
}

}  // namespace

std::string ports_of(pid_t leader) {
  std::set<std::string> inodes;
  std::error_code ignored;
  std::size_t looked = 0;
  for (std::filesystem::directory_iterator entry("/proc", ignored), end;
       !ignored && entry != end && looked < kMostProcesses; entry.increment(ignored)) {
    const std::string name = entry->path().filename().string();
    if (name.find_first_not_of("0123456789") != name.npos) continue;
    ++looked;
    if (is_of_group(entry->path(), leader)) add_sockets(entry->path(), inodes);
  }
  std::set<int> ports;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) add_ports(table, inodes, ports);
  std::string text;
  std::size_t shown = 0;
  for (const int port : ports) {
    if (shown++ == kMostShown) break;
    text += (text.empty() ? ":" : ", :") + std::to_string(port);
  }
  return text;
}

}  // namespace roundhouse::edge
