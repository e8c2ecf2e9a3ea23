// What a worker listens on. The sockets are the primary's; workers that ask for the same address
// share one.
#pragma once

#include <roundhouse/result.h>
#include <roundhouse/worker.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace roundhouse::membership {
struct ListenRecord;
class ConnectionCount;
}  // namespace roundhouse::membership

namespace roundhouse::cluster {

// Where somebody listens, as bound.
struct Listening {
  std::string address;     // "0.0.0.0:8000", "[::]:8000", "unix:/run/app.sock"
  std::uint16_t port = 0;  // the real one, where any was asked for; 0 of a unix socket
};

// The first worker that asks for an address decides; the others share what it got.
struct ListenOptions {
  int backlog = 4096;                // connections that may wait in the kernel
  bool only_v6 = false;              // of [::]: leave IPv4 alone
  unsigned unix_mode = 0666;         // file mode of a unix socket
  bool client_speaks_first = false;  // accept with the first bytes (TCP_DEFER_ACCEPT): who takes
                                     // the connection can read at once. Not for protocols in which
                                     // the server greets
};

// One accepted connection: a non-blocking socket. Owner of the descriptor; the worker counts it as
// open as long as this lives, and a disconnect waits for it.
class Connection {
 public:
  // Made by the library.
  Connection(int fd, std::string peer, std::shared_ptr<membership::ConnectionCount> count);
  ~Connection();
  // The other is empty then.
  Connection(Connection&&) noexcept;
  // Ends what this was, once the other ends.
  Connection& operator=(Connection&&) noexcept;

  int fd() const { return fd_; }  // borrowed
  // "192.0.2.1:4711"; "unix" of a unix socket.
  const std::string& peer() const { return peer_; }
  // The descriptor is the caller's, and the worker forgets the connection.
  [[nodiscard]] int release();

 private:
  void end();
  int fd_ = -1;
  std::string peer_;
  std::shared_ptr<membership::ConnectionCount> count_;
};

// A name for something this worker listens on, cheap to copy. It goes on listening when the last
// copy is gone.
class Server {
 public:
  // Of nothing.
  Server() = default;
  // Made by the library.
  explicit Server(std::shared_ptr<membership::ListenRecord> record) : record_(std::move(record)) {}

  // Where it listens.
  const Listening& listening() const;
  // This worker gets no more connections from there; those it has go on, and what the primary has
  // given it before still comes. When every worker has closed it, or is gone after a disconnect,
  // the socket itself is closed (it outlives crashes: clients wait in its backlog for the next
  // worker). Again: nothing.
  void close() const;

 private:
  std::shared_ptr<membership::ListenRecord> record_;
};

// Listens on an address, and calls back for each connection that this worker is given.
//
// `address`: "8000" (every interface), "host:port", "[v6]:port" with numeric hosts, "unix:/path".
// Port 0 is any free port, the same for all workers: the first such call of each worker shares one,
// the second another, and so on. Waits for the primary's answer, at most 60 s. With
// Scheduling::none this worker accepts from the socket for itself, else the primary gives it
// connections.
//
// Errors, as the primary met them: EADDRINUSE, EACCES, EINVAL an address that is none; EPERM this
// is not a worker; ENOSPC kListenersMax of the cluster are in use; ETIMEDOUT, ENOTCONN no primary;
// EADDRINUSE also for an address that this worker listens on already.
Result<Server> listen(std::string_view address, std::function<void(Connection)> on_connection,
                      const ListenOptions& options = {});

// At once, over all workers.
inline constexpr int kListenersMax = 64;

}  // namespace roundhouse::cluster
