#include "edge/listening_ports.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/process_family.h"
#include "net/tcp_sockets.h"

namespace roundhouse::edge {
namespace {

constexpr std::size_t kMostShown = 4;
constexpr std::size_t kMostProcesses = 32;      // looked at, as are these:
constexpr std::size_t kMostDescriptors = 1024;  // of all
constexpr std::size_t kMostListening = 4096;    // sockets of the machine

}  // namespace

std::string ports_of(pid_t leader) {
  std::vector<std::uint64_t> inodes;
  std::size_t descriptors = kMostDescriptors;
  for (const pid_t pid : family_of(leader, kMostProcesses))
    add_socket_inodes(pid, descriptors, inodes);
  if (inodes.empty()) return "";
  const auto listening = tcp_sockets(TcpState::kListening, {}, kMostListening);
  if (!listening) return "";
  std::set<std::uint16_t> ports;
  for (const TcpSocket& socket : *listening) {
    if (std::ranges::find(inodes, socket.inode) != inodes.end()) ports.insert(socket.local_port);
  }
  std::string text;
  std::size_t shown = 0;
  for (const std::uint16_t port : ports) {
    if (shown++ == kMostShown) break;
    text += (text.empty() ? ":" : ", :") + std::to_string(port);
  }
  return text;
}

}  // namespace roundhouse::edge
