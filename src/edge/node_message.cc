#include "edge/node_message.h"

#include <charconv>

namespace roundhouse::edge {
namespace {

using Kind = NodeMessage::Kind;
using Type = NodeValue::Type;
using namespace std::string_view_literals;

constexpr std::string_view kCluster = "NODE_CLUSTER";
constexpr std::string_view kHandleAck = R"({"cmd":"NODE_HANDLE_ACK"})";

// A port may have been given as text.
std::optional<std::int64_t> whole_number(const NodeValue& value) {
  if (value.type == Type::kNumber) return value.number;
  std::int64_t number = 0;
  const char* const end = value.text.data() + value.text.size();
  const auto parsed = std::from_chars(value.text.data(), end, number);
  const bool whole = value.type == Type::kText && parsed.ec == std::errc() && parsed.ptr == end;
  return whole ? std::optional(number) : std::nullopt;
}

std::optional<NodeListen::Type> listen_type(const NodeValue& value) {
  if (value.type == Type::kNothing) return NodeListen::Type::kDescriptor;
  if (value.type == Type::kText && value.text == "udp4") return NodeListen::Type::kUdp4;
  if (value.type == Type::kText && value.text == "udp6") return NodeListen::Type::kUdp6;
  switch (value.type == Type::kNumber ? value.number : 0) {
    case 4:
      return NodeListen::Type::kTcp4;
    case 6:
      return NodeListen::Type::kTcp6;
    case -1:
      return NodeListen::Type::kUnix;
    default:
      return std::nullopt;
  }
}

// Fills a message from the members of the worker's.
class MessageReader final : public NodeMembers {
 public:
  bool is_cluster() const { return cmd_ == kCluster; }
  NodeMessage take() {
    message_.kind = good_ ? kind() : Kind::kMalformed;
    return std::move(message_);
  }

  void member(std::string_view name, const NodeValue& value) override {
    NodeListen& listen = message_.listen;
    if (name == "cmd") {
      cmd_ = value.text;
    } else if (name == "act") {
      act_ = value.text;
    } else if (name == "seq") {
      number(value, message_.sequence);
    } else if (name == "ack") {
      number(value, message_.ack);
    } else if (name == "accepted") {
      flag(value, message_.accepted);
      has_accepted_ = true;
    } else if (name == "key") {
      if (value.type == Type::kText) message_.key = value.text;
    } else if (name == "address") {
      listen.address.reset();
      if (value.type == Type::kText) listen.address = value.text;
      expect(value, Type::kText);
    } else if (name == "port") {
      number(value, listen.port);
    } else if (name == "addressType") {
      const auto type = listen_type(value);
      good_ = good_ && type;
      if (type) listen.type = *type;
    } else if (name == "data") {
      listen.data = value.type == Type::kNothing ? std::string_view() : value.raw;
    } else {
      rarer_member(name, value);
    }
  }

 private:
  void rarer_member(std::string_view name, const NodeValue& value) {
    NodeListen& listen = message_.listen;
    if (name == "fd") {
      number(value, listen.fd);
    } else if (name == "index") {
      number(value, listen.index);
    } else if (name == "backlog") {  // false where none was given
      listen.backlog = whole_number(value).value_or(0);
    } else if (name == "flags") {
      listen.flags = static_cast<std::uint32_t>(whole_number(value).value_or(0));
    } else if (name == "readableAll") {
      listen.readable_all = value.flag;
    } else if (name == "writableAll") {
      listen.writable_all = value.flag;
    }
  }

  void expect(const NodeValue& value, Type type) {
    if (value.type != Type::kNothing && value.type != type) good_ = false;
  }
  // Null and undefined leave what is there.
  void number(const NodeValue& value, std::int64_t& out) {
    const auto read = whole_number(value);
    if (read) out = *read;
    if (!read && value.type != Type::kNothing) good_ = false;
  }
  void flag(const NodeValue& value, bool& out) {
    if (value.type == Type::kBool) out = value.flag;
    expect(value, Type::kBool);
  }

  Kind kind() const {
    if (cmd_ == kCluster) return cluster_kind();
    if (cmd_ == "NODE_HANDLE_ACK") return Kind::kHandleAck;
    if (cmd_ == "NODE_HANDLE_NACK") return Kind::kHandleNack;
    if (cmd_ == "NODE_HANDLE") return Kind::kHandle;
    if (cmd_ == "NODE_SOCKET_NOTIFY_CLOSE") return Kind::kSocketClosed;
    if (cmd_ == "NODE_SOCKET_GET_COUNT") return Kind::kSocketCount;
    return Kind::kUnknown;
  }
  Kind cluster_kind() const {
    if (act_ == "online") return Kind::kOnline;
    if (act_ == "queryServer") return message_.sequence < 0 ? Kind::kMalformed : Kind::kQueryServer;
    if (act_ == "listening") return Kind::kListening;
    if (act_ == "close") return Kind::kClose;
    if (act_ == "exitedAfterDisconnect")
      return message_.sequence < 0 ? Kind::kMalformed : Kind::kExitedAfterDisconnect;
    return act_.empty() && has_accepted_ ? Kind::kAnswer : Kind::kUnknown;
  }

  NodeMessage message_;
  std::string cmd_;
  std::string act_;
  bool has_accepted_ = false;
  bool good_ = true;
};

// What JSON.parse would refuse at a glance; the rest of a program's message is its own affair.
bool looks_like_json(std::string_view text) {
  if (text.empty()) return false;
  const char first = text.front();
  const char last = text.back();
  if (first == '{' || first == '[') return last == (first == '{' ? '}' : ']');
  if (first == '"') return text.size() > 1 && last == '"';
  return text == "true" || text == "false" || text == "null" || first == '-' ||
         (first >= '0' && first <= '9');
}

}  // namespace

std::string_view internal_prefix(NodeFormat format) {
  // {cmd: "NODE_..., the first member. The length of an advanced text varies: it is not looked at.
  return format == NodeFormat::kJson ? R"({"cmd":"NODE_)"sv : "\xff\x0f\x6f\x22\x03\x63md\x22"sv;
}

std::string_view handle_prefix(NodeFormat format) {
  return format == NodeFormat::kJson ? R"({"cmd":"NODE_HANDLE",)"sv
                                     : "\xff\x0f\x6f\x22\x03\x63md\x22\x0bNODE_HANDLE\x22"sv;
}

NodeMessage parse_node_message(std::string_view text, NodeFormat format) {
  NodeMessage message;
  const std::string_view prefix = internal_prefix(format);
  const bool json = format == NodeFormat::kJson;
  const bool internal = text.starts_with(prefix) && text.size() > prefix.size() &&
                        (json || text.substr(prefix.size() + 1).starts_with("NODE_"));
  if (!internal) {
    message.kind = json && !looks_like_json(text) ? Kind::kMalformed : Kind::kUser;
    return message;
  }
  if (json && text == kHandleAck) {  // half of all messages
    message.kind = Kind::kHandleAck;
    return message;
  }
  if (text.starts_with(handle_prefix(format))) {  // what is in it is the program's own
    message.kind = Kind::kHandle;
    return message;
  }
  MessageReader reader;
  const bool whole = json ? read_json_members(text, reader) : read_v8_members(text, reader);
  message = reader.take();
  // What V8 can write and we cannot read may stand in a message that is nothing to us.
  const bool matters = json || reader.is_cluster() || message.kind != Kind::kUnknown;
  if (!whole && matters) message.kind = Kind::kMalformed;
  return message;
}

}  // namespace roundhouse::edge
