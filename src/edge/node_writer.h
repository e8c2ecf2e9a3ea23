// What the edge says to a Node worker, as whole messages ready to be sent. Pure.
//
// To the worker the edge is the cluster's primary: these are the messages of Node's primary, v18 to
// v26.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "edge/node_value.h"

namespace roundhouse::edge {

// Where a worker is told that its server listens. It compares the port with the one that it asked
// for.
struct NodeName {
  std::string address;
  bool ipv6 = false;
  std::int64_t port = 0;
};

class NodeWriter {
 public:
  explicit NodeWriter(NodeFormat format) : format_(format) {}

  // Answers to queryServer number `ack`. `data`: as a worker wrote it; empty: null.
  //
  // The edge will hand it connections. Without a name `server.address()` is null.
  std::string rotation_reply(std::int64_t ack, std::string_view key, std::string_view data,
                             const std::optional<NodeName>& name);
  // It gets the socket itself, which must be sent along.
  std::string socket_reply(std::int64_t ack, std::string_view key, std::string_view data, bool udp);
  std::string error_reply(std::int64_t ack, std::string_view key, std::string_view data,
                          int number);  // errno, positive

  // A connection, which must be sent along. The worker answers with `sequence`.
  std::string connection(std::string_view key, std::uint64_t sequence);
  std::string disconnect();
  std::string acknowledge(std::int64_t ack);        // exitedAfterDisconnect
  std::string handle_arrived();                     // NODE_HANDLE_ACK
  std::string all_closed(std::string_view key);     // NODE_SOCKET_ALL_CLOSED
  std::string count_of_none(std::string_view key);  // NODE_SOCKET_COUNT: 0
  // Nothing: Node ignores it. That it was read shows that the worker reads.
  std::string nudge();

 private:
  class Object;
  std::string framed(std::string bytes) const;

  NodeFormat format_;           // not const: the next worker gets a writer of its own
  std::uint64_t sequence_ = 0;  // of messages other than connections
};

}  // namespace roundhouse::edge
