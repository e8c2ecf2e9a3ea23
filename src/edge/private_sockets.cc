#include "edge/private_sockets.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <deque>

namespace roundhouse::edge {
namespace {

constexpr const char* kName = "roundhouse-sockets-";
constexpr mode_t kPassable = 0711;  // one can go through, and not look
constexpr mode_t kOwnersOnly = 0700;
constexpr mode_t kOwnersAndGuests = 0710;
constexpr std::size_t kPortsKept = 1024;  // of the latest answers
constexpr int kPortTries = 64;

std::vector<std::string> names_in(const std::string& path) {
  std::vector<std::string> names;
  DIR* const folder = ::opendir(path.c_str());
  if (folder == nullptr) return names;
  while (const dirent* entry = ::readdir(folder)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  ::closedir(folder);
  return names;
}

std::string below(std::string_view folder, std::string_view name) {
  std::string path(folder);
  return path.append("/").append(name);
}

// The folder of an edge: folders of pools, and sockets in these.
void remove_tree(const std::string& path) {
  for (const std::string& pool : names_in(path)) {
    const std::string folder = below(path, pool);
    for (const std::string& socket : names_in(folder)) ::unlink(below(folder, socket).c_str());
    ::rmdir(folder.c_str());
  }
  ::rmdir(path.c_str());
}

// Locked by whoever lives in it; the kernel lets go of that with the process.
UniqueFd lock_folder(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status{};
  if (fd && (::fstat(fd.get(), &status) != 0 || status.st_uid != ::geteuid() ||
             ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0))
    fd.reset();
  return fd;
}

void remove_abandoned(const std::string& base) {
  for (const std::string& name : names_in(base)) {
    if (!name.starts_with(kName)) continue;
    const std::string path = below(base, name);
    if (const UniqueFd lock = lock_folder(path)) remove_tree(path);
  }
}

}  // namespace

PrivateSockets::~PrivateSockets() {
  if (folder_.empty()) return;
  remove_tree(folder_);
}

Result<void> PrivateSockets::create() {
  if (!folder_.empty()) return {};
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    const std::string text = value == nullptr ? "" : value;
    return text.substr(0, text.find(':'));
  };
  // A user's own folder lets nobody else in, and root's programs are other users.
  const std::string own = ::geteuid() == 0 ? "" : variable("XDG_RUNTIME_DIR");
  int why = ENOENT;
  for (const std::string& base :
       {variable("RUNTIME_DIRECTORY"), own, std::string("/run"), std::string("/tmp")}) {
    if (base.empty()) continue;
    remove_abandoned(base);
    std::string path = base + "/" + kName + std::to_string(::getpid()) + "-XXXXXX";
    const bool made = ::mkdtemp(path.data()) != nullptr && ::chmod(path.c_str(), kPassable) == 0;
    why = errno;
    lock_ = made ? lock_folder(path) : UniqueFd();
    struct stat status{};
    if (!lock_ || ::fstat(lock_.get(), &status) != 0 || status.st_nlink == 0) continue;
    folder_ = std::move(path);
    return {};
  }
  return fail_errno("mkdir of a folder for the sockets of programs in /run or /tmp", why);
}

Result<std::string> PrivateSockets::add_pool(const std::string& pool, const Identity* owner,
                                             const Identity* guest) {
  TRY_VOID(create());
  std::string path = folder_ + "/" + pool;
  if (::mkdir(path.c_str(), kOwnersOnly) != 0 && errno != EEXIST)
    return fail_errno("mkdir " + path, errno);
  if (owner == nullptr) return path;
  const bool shared = guest != nullptr && guest->uid != owner->uid;
  if (::chown(path.c_str(), owner->uid, shared ? guest->gid : owner->gid) != 0)
    return fail_errno("chown " + path, errno);
  if (::chmod(path.c_str(), shared ? kOwnersAndGuests : kOwnersOnly) != 0)
    return fail_errno("chmod " + path, errno);
  return path;
}

Result<UniqueFd> bind_private(const std::string& path, int type, int backlog) {
  const Address address = TRY(Address::parse("unix:" + path));
  UniqueFd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("socket", errno);
  ::unlink(path.c_str());
  const mode_t mask = ::umask(0);  // so that its mode need not be changed by name afterwards
  const bool bound = ::bind(fd.get(), address.data(), address.size()) == 0;
  const int why = errno;
  ::umask(mask);
  if (!bound) return fail_errno("bind " + path, why);
  if (type != SOCK_DGRAM && ::listen(fd.get(), backlog) != 0)
    return fail_errno("listen on " + path, errno);
  return fd;
}

// By a descriptor of the socket itself: between two looks at a name another file could stand there.
void let_everyone_in(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat status{};
  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISSOCK(status.st_mode)) return;
  ::chmod(("/proc/self/fd/" + std::to_string(file.get())).c_str(), 0666);
}

void set_blocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags >= 0) ::fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
}

Result<std::uint16_t> free_port() {
  static std::deque<std::uint16_t> latest;
  for (int i = 0; i < kPortTries; ++i) {
    const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const Address any = Address::loopback(0);
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    if (!fd || ::bind(fd.get(), any.data(), any.size()) != 0 ||
        ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0)
      return fail_errno("a free port", errno);
    const std::uint16_t port = Address(reinterpret_cast<sockaddr*>(&bound), size).port();
    if (std::ranges::find(latest, port) != latest.end()) continue;
    latest.push_back(port);
    if (latest.size() > kPortsKept) latest.pop_front();
    return port;
  }
  return fail_errno("a free port", EADDRINUSE);
}

int try_to_connect(const Address& address, UniqueFd& fd) {
  if (!fd) {
    fd.reset(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return errno;
    const int refused = ::connect(fd.get(), address.data(), address.size()) == 0 ? 0 : errno;
    if (refused == EINPROGRESS) return refused;
    fd.reset();
    return refused == EAGAIN ? 0 : refused;  // a unix socket whose backlog is full: it listens
  }
  pollfd entry{.fd = fd.get(), .events = POLLOUT, .revents = 0};
  if (::poll(&entry, 1, 0) == 0) return EINPROGRESS;
  int refused = 0;
  socklen_t size = sizeof refused;
  ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &refused, &size);
  fd.reset();
  return refused;
}

}  // namespace roundhouse::edge
