// Where the private sockets of programs are: a folder of this edge, and in it one for each pool.
//
// A pool's folder belongs to its user and lets nobody else in but the built-in workers that forward
// to it. The folder of the edge has a name that cannot be guessed, so nothing that stood there
// before is met; one whose edge was killed is removed by the next. What is removed or bound in a
// pool's folder is so by name and never through a link, since its user may put anything there.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/address.h"
#include "base/error.h"
#include "base/unique_fd.h"
#include "edge/spawn.h"

namespace roundhouse::edge {

class PrivateSockets {
 public:
  PrivateSockets() = default;
  PrivateSockets(const PrivateSockets&) = delete;
  PrivateSockets& operator=(const PrivateSockets&) = delete;
  // Removes it all.
  ~PrivateSockets();

  // In $RUNTIME_DIRECTORY, $XDG_RUNTIME_DIR (not as root), /run or /tmp, the first that takes it.
  Result<void> create();
  const std::string& folder() const { return folder_; }
  // `owner`: who the pool's programs are; `guest`: who forwards to them. None: who we are.
  // For a pool that has a folder already: who may enter it.
  Result<std::string> add_pool(const std::string& pool, const Identity* owner,
                               const Identity* guest);

 private:
  std::string folder_;  // empty: not made
  UniqueFd lock_;       // of the folder, held as long as this edge lives
};

// A unix socket bound at `path`, whatever stood there before, that everyone whom the folder lets in
// may use. CLOEXEC. `type`: SOCK_STREAM, perhaps with SOCK_NONBLOCK, which listens then, or
// SOCK_DGRAM.
Result<UniqueFd> bind_private(const std::string& path, int type, int backlog);

// What a program has bound at `path`, in a folder of its own user, may be used by everyone whom the
// folder lets in.
void let_everyone_in(const std::string& path);
void set_blocking(int fd);

// A port of 127.0.0.1 that nobody listens on now and that was not the answer of late. For a program
// that binds it at once: nothing holds it for that program.
Result<std::uint16_t> free_port();

// 0: somebody listens there; EINPROGRESS: not known yet; else why not. The attempt is in `fd`,
// which is kept until the answer is known.
int try_to_connect(const Address& address, UniqueFd& fd);

}  // namespace roundhouse::edge
