#include "config/control_socket.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/address.h"

namespace roundhouse::config {
namespace {

// The folder, made if it was not there, if it is one that only we and root write to.
Result<UniqueFd> open_own_folder(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return fail_errno("mkdir " + folder, errno);
  UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return fail_errno(folder, errno);
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return fail_errno(folder, errno);
  const bool ours = status.st_uid == ::geteuid() || status.st_uid == 0;
  if (!ours || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) return fail_errno(folder, EPERM);
  if (::access(folder.c_str(), W_OK | X_OK) != 0) return fail_errno(folder, errno);
  return fd;
}

std::vector<std::string> sockets_in(const std::string& folder) {
  std::vector<std::string> paths;
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::opendir(folder.c_str()),
                                                    [](DIR* d) { return ::closedir(d); });
  if (listing == nullptr) return paths;
  while (const dirent* entry = ::readdir(listing.get())) {
    const std::string_view name = entry->d_name;
    if (name.starts_with("control") && name.ends_with(".sock"))
      paths.push_back(folder + "/" + std::string(name));
  }
  std::ranges::sort(paths);
  return paths;
}

// True if nobody is there now: a socket without an answer is removed.
bool make_free(const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return errno == ENOENT;
  if (!S_ISSOCK(status.st_mode)) return false;
  if (const auto there = instance_on(path); there || there.error().system_errno != ECONNREFUSED)
    return false;
  return ::unlink(path.c_str()) == 0;
}

}  // namespace

std::vector<std::string> control_folders(const VariableLookup& variable, uid_t user) {
  std::vector<std::string> folders;
  const auto add = [&](std::string folder) {
    if (std::ranges::find(folders, folder) == folders.end()) folders.push_back(std::move(folder));
  };
  for (const char* name : {"RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"}) {
    std::string folder = variable(name).value_or("");
    folder.resize(std::min(folder.size(), folder.find(':')));  // systemd may list several
    if (folder.empty() || folder.front() != '/') continue;
    // systemd's RuntimeDirectory=roundhouse is this folder already
    add(folder.ends_with("/roundhouse") ? folder : folder + "/roundhouse");
  }
  add("/run/roundhouse");
  add("/tmp/roundhouse-" + std::to_string(user));
  return folders;
}

Result<ControlSocketPlace> place_control_socket(const std::string& setting,
                                                const std::vector<std::string>& folders,
                                                pid_t pid) {
  if (setting != "auto") {
    if (!make_free(setting))
      return fail("the control socket " + setting + " is in use by something else",
                  ExitCode::kSystem);
    return ControlSocketPlace{setting, UniqueFd()};
  }
  std::string tried;
  for (const std::string& folder : folders) {
    auto opened = open_own_folder(folder);
    if (!opened) {
      tried += (tried.empty() ? "" : "; ") + opened.error().message;
      continue;
    }
    while (::flock(opened->get(), LOCK_EX) != 0 && errno == EINTR) {
    }
    const std::string first = folder + "/control.sock";
    const std::string own = folder + "/control-" + std::to_string(pid) + ".sock";
    for (const std::string& path : {first, own}) {
      if (make_free(path)) return ControlSocketPlace{path, *std::move(opened)};
    }
    tried += (tried.empty() ? "" : "; ") + own + " is in use";
  }
  return fail("there is no folder for the control socket: " + tried, ExitCode::kSystem);
}

Result<Instance> instance_on(const std::string& socket) {
  const Address address = TRY(Address::parse("unix:" + socket));
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("socket", errno);
  // EAGAIN: somebody listens and has a full queue.
  if (::connect(fd.get(), address.data(), address.size()) != 0 && errno != EAGAIN)
    return fail_errno(socket, errno);
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
    credentials.pid = 0;
  return Instance{socket, std::max(credentials.pid, 0)};
}

std::vector<Instance> running_instances(const std::vector<std::string>& folders) {
  std::vector<Instance> instances;
  for (const std::string& folder : folders) {
    for (const std::string& path : sockets_in(folder)) {
      if (auto instance = instance_on(path)) instances.push_back(*std::move(instance));
    }
  }
  return instances;
}

}  // namespace roundhouse::config
