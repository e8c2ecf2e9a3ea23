// fork and exec: the only place of the program where either happens.
//
// Every string and descriptor list is made before the fork; between fork and exec only
// async-signal-safe calls; the child ends in execve or _exit. Every descriptor of ours is CLOEXEC,
// so the child has 0, 1, 2 and what is bequeathed.
#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <vector>

#include "base/error.h"

namespace roundhouse::edge {

// Whom a process becomes. Resolved before the fork: name look-ups are not async-signal-safe.
struct Identity {
  uid_t uid;
  gid_t gid;
  std::vector<gid_t> groups;
  std::string name;
};
Result<Identity> find_identity(const std::string& user);

struct Program {
  std::string path;                      // absolute, or /proc/self/exe
  std::vector<std::string> arguments;    // argv, [0] included
  std::vector<std::string> environment;  // "NAME=value"; the whole of it
  std::string cwd;                       // empty: ours
  const Identity* identity = nullptr;    // none: stay who we are
  bool die_with_us =
      false;  // SIGTERM when the edge dies, for programs that may not watch their channel
  bool told_its_pid = false;  // as LISTEN_PID: systemd's convention for listening sockets
  int out = -1;               // becomes its standard output; -1: ours, as is:
  int err = -1;
};

// `descriptors` become 3, 4, ... of the child, which leads a process group of its own, with
// no_new_privs, default signal handling and a higher oom_score_adj than ours. If the exec fails the
// child says so on stderr and exits 127.
Result<pid_t> spawn(const Program& program, std::span<const int> descriptors);

// The file that `command` names, looked up in PATH like a shell does. Error: "exec FOO: No such
// file or directory".
Result<std::string> find_executable(const std::string& command, const std::string& path_variable);

}  // namespace roundhouse::edge
