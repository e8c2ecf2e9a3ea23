// Where the control socket of a running instance is, for the edge that makes it and the command
// line that looks for it.
//
// In a folder `roundhouse` of $RUNTIME_DIRECTORY, $XDG_RUNTIME_DIR or /run, else in
// /tmp/roundhouse-UID: control.sock, or control-PID.sock where another instance has that.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "config/substitution.h"

namespace roundhouse::config {

// The folders in the order of preference. Pure.
std::vector<std::string> control_folders(const VariableLookup& variable, uid_t user);

// A place for a new control socket, free when this returns. Nobody else who asks gets an answer
// while `lock` is held: keep it until the socket listens.
struct ControlSocketPlace {
  std::string path;
  UniqueFd lock;
};

// `setting` is Monitor::socket. For `auto` the first of the folders that this process can write to
// (made if need be, with mode 0700; one that another user could have prepared is not used). A
// socket that nobody answers on is removed.
Result<ControlSocketPlace> place_control_socket(const std::string& setting,
                                                const std::vector<std::string>& folders, pid_t pid);

struct Instance {
  std::string socket;
  pid_t pid = 0;  // of the edge
};
// The instances that answer, by path.
std::vector<Instance> running_instances(const std::vector<std::string>& folders);
// The one on this socket. Error: "PATH: Connection refused".
Result<Instance> instance_on(const std::string& socket);

}  // namespace roundhouse::config
