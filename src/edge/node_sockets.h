// Sockets that a Node program wants for itself, bound as Node's primary would.
#pragma once

#include <expected>
#include <string>

#include "base/unique_fd.h"
#include "edge/node_message.h"
#include "edge/node_writer.h"

namespace roundhouse::edge {

struct NodeSocket {
  UniqueFd fd;       // non-blocking, CLOEXEC
  NodeName name;     // of TCP and UDP
  std::string path;  // of a unix socket
};

// Error: an errno for the program. A TCP socket is bound and does not listen yet; the worker does
// that.
std::expected<NodeSocket, int> bind_for_node(const NodeListen& asked);

}  // namespace roundhouse::edge
