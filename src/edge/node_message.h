// What a Node worker says on its channel, as far as the edge answers it. Pure.
//
// Node's messages are not documented: these are the ones of v18 to v26 (lib/internal/cluster and
// lib/internal/child_process), recognised as Node does, by a member `cmd` that begins with NODE_.
// Everything else is a message of the program's own, which passes unread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "edge/node_value.h"

namespace roundhouse::edge {

// What a program wants to listen on.
struct NodeListen {
  enum class Type : std::uint8_t { kDescriptor, kTcp4, kTcp6, kUnix, kUdp4, kUdp6 };
  Type type = Type::kDescriptor;
  std::optional<std::string> address;  // none: every interface; the path of a unix socket
  std::int64_t port = -1;
  std::int64_t fd = -1;  // of the primary
  std::int64_t index = 0;
  std::uint32_t flags = 0;  // 1: IPv6 only; 4: reuse the address (UDP)
  std::int64_t backlog = 0;
  bool readable_all = false;
  bool writable_all = false;
  std::string data;  // as it was written; for the other workers of the same endpoint

  bool is_tcp() const { return type == Type::kTcp4 || type == Type::kTcp6; }
  bool is_udp() const { return type == Type::kUdp4 || type == Type::kUdp6; }
};

struct NodeMessage {
  enum class Kind : std::uint8_t {
    kUser,       // the program's own
    kUnknown,    // Node's, and nothing to the edge
    kMalformed,  // the worker broke the protocol
    kOnline,
    kQueryServer,
    kListening,
    kClose,
    kExitedAfterDisconnect,
    kAnswer,  // to a connection: `ack`, `accepted`
    kHandleAck,
    kHandleNack,
    kHandle,  // it sends a descriptor
    kSocketClosed,
    kSocketCount
  };
  Kind kind = Kind::kUnknown;
  std::int64_t sequence = -1;
  std::int64_t ack = -1;
  bool accepted = false;
  std::string key;
  NodeListen listen;
};

// The longest message of Node's own that is read; the longest paths and ticket keys take 5 KiB.
inline constexpr std::size_t kNodeMessageMax = 64 * 1024;

// What begins like this is a message of Node's own, or begins one.
std::string_view internal_prefix(NodeFormat format);
// What begins like this carries a descriptor, whatever follows.
std::string_view handle_prefix(NodeFormat format);

// One whole message, without its newline or length.
NodeMessage parse_node_message(std::string_view text, NodeFormat format);

}  // namespace roundhouse::edge
