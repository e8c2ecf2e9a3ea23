// Listening sockets: bound once, shared by whoever accepts from them.
#pragma once

#include <optional>

#include "base/address.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/unique_fd.h"

namespace roundhouse {

struct ListeningSocket {
  UniqueFd fd;         // non-blocking, CLOEXEC, TCP_NODELAY (which accepted sockets inherit)
  Address address;     // as bound: port 0 resolved
  Address asked = {};  // as it was asked for
};

struct ListenOptions {
  int backlog = 4096;
  // A connection is accepted when its first bytes have come, or about so long after
  // (TCP_DEFER_ACCEPT): who takes it can read at once. Whole seconds, rounded up; zero: accepted
  // when it is established.
  Duration defer = Duration::zero();
  unsigned unix_mode = 0666;  // file mode of a unix socket
  bool only_v6 = false;       // [::] leaves IPv4 alone
  bool shares_port = false;  // TCP: others of this process listen on the address too (SO_REUSEPORT)
};

// Binds and listens. An address that means every interface takes IPv6 and IPv4, or IPv4 alone where
// there is no IPv6. A unix socket is bound under a temporary name and renamed into place: a stale
// one is replaced, one that somebody answers on is an error. Error:
// "bind 0.0.0.0:443: Permission denied".
Result<ListeningSocket> listen_on(const Address& address, const ListenOptions& options);

struct Accepted {
  UniqueFd fd;  // non-blocking, CLOEXEC
  Address peer;
};

enum class AcceptStatus {
  kAccepted,
  kNothing,       // nobody is waiting
  kNoDescriptors  // EMFILE, ENFILE, ENOBUFS, ENOMEM: pause, the connection waits in the backlog
};

// True if the client of an accepted connection has ended its side (TCP's CLOSE_WAIT). Reads
// nothing.
bool peer_has_ended(int fd);

// Of a stream socket that is connected; none: it is no such thing, or its client has gone.
std::optional<Address> peer_of_connection(int fd);

// Whether a connection waits to be accepted.
bool has_queued(int listening_fd);

// Other options of a socket that listens: backlog and defer.
void adjust(const ListeningSocket& listening, const ListenOptions& options);

// From now on a connection is accepted when it is established. One whose first bytes are awaited
// already still comes with them.
void stop_deferring(int listening_fd);

// One accept4. Connections that were reset while they waited are skipped.
AcceptStatus accept_from(int listening_fd, Accepted& accepted);

}  // namespace roundhouse
