#include "edge/node_writer.h"

#include <algorithm>
#include <utility>

namespace roundhouse::edge {
namespace {

constexpr std::string_view kV8Header = "\xff\x0f";

void append_varint(std::string& bytes, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7f) | 0x80);
  bytes += static_cast<char>(value);
}

// Names and keys of ours, addresses and what a worker called its sockets: mostly ASCII.
void append_json_text(std::string& bytes, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  const bool plain = std::ranges::none_of(
      text, [](char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < ' '; });
  bytes += '"';
  if (plain) {
    bytes.append(text) += '"';
    return;
  }
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      bytes += '\\';
      bytes += c;
    } else if (static_cast<unsigned char>(c) < ' ') {
      bytes += "\\u00";
      bytes += kHex[static_cast<unsigned char>(c) >> 4];
      bytes += kHex[c & 15];
    } else {
      bytes += c;
    }
  }
  bytes += '"';
}

}  // namespace

// An object under construction, in either format.
class NodeWriter::Object {
 public:
  Object(NodeFormat format, std::string& bytes)
      : json_(format == NodeFormat::kJson), bytes_(bytes) {
    bytes_ += json_ ? '{' : 'o';
  }
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  Object& text(std::string_view name, std::string_view value) {
    begin(name);
    append_text(value);
    return *this;
  }
  Object& number(std::string_view name, std::int64_t value) {
    begin(name);
    if (json_) {
      bytes_ += std::to_string(value);
    } else if (value >= INT32_MIN / 2 && value <= INT32_MAX / 2) {
      bytes_ += 'I';
      append_varint(bytes_, static_cast<std::uint32_t>((value << 1) ^ (value >> 63)));
    } else {
      const auto wide = static_cast<double>(value);
      bytes_ += 'N';
      bytes_.append(reinterpret_cast<const char*>(&wide), sizeof wide);
    }
    return *this;
  }
  Object& nothing(std::string_view name) { return raw(name, json_ ? "null" : "0"); }
  Object& data(std::string_view written) {
    return written.empty() ? nothing("data") : raw("data", written);
  }
  // The value of `name` is written by another Object.
  void begin(std::string_view name) {
    if (json_ && members_ > 0) bytes_ += ',';
    append_text(name);
    if (json_) bytes_ += ':';
    ++members_;
  }
  void end() {
    bytes_ += json_ ? '}' : '{';
    if (!json_) append_varint(bytes_, members_);
  }

 private:
  Object& raw(std::string_view name, std::string_view written) {
    begin(name);
    bytes_ += written;
    return *this;
  }
  void append_text(std::string_view value) {
    if (json_) return append_json_text(bytes_, value);
    // One byte a character: what is not ASCII becomes '?', as nothing that we say needs it.
    bytes_ += '"';
    append_varint(bytes_, value.size());
    for (const char c : value) bytes_ += static_cast<unsigned char>(c) < 0x80 ? c : '?';
  }

  const bool json_;
  std::string& bytes_;
  std::uint64_t members_ = 0;
};

std::string NodeWriter::framed(std::string bytes) const {
  if (format_ == NodeFormat::kJson) return std::move(bytes) + '\n';
  const std::size_t size = kV8Header.size() + bytes.size();
  std::string frame;
  frame.reserve(4 + size);
  for (int shift = 24; shift >= 0; shift -= 8) frame += static_cast<char>(size >> shift & 0xff);
  return frame.append(kV8Header).append(bytes);
}

std::string NodeWriter::rotation_reply(std::int64_t ack, std::string_view key,
                                       std::string_view data, const std::optional<NodeName>& name) {
  std::string bytes;
  Object reply(format_, bytes);
  reply.text("cmd", "NODE_CLUSTER").nothing("errno").text("key", key).number("ack", ack).data(data);
  if (name) {
    reply.begin("sockname");
    Object socket(format_, bytes);
    socket.text("address", name->address)
        .text("family", name->ipv6 ? "IPv6" : "IPv4")
        .number("port", name->port);
    socket.end();
  }
  reply.number("seq", static_cast<std::int64_t>(sequence_++)).end();
  return framed(std::move(bytes));
}

std::string NodeWriter::socket_reply(std::int64_t ack, std::string_view key, std::string_view data,
                                     bool udp) {
  std::string bytes;
  Object wrapper(format_, bytes);
  wrapper.text("cmd", "NODE_HANDLE").text("type", udp ? "dgram.Native" : "net.Native").begin("msg");
  Object reply(format_, bytes);
  reply.text("cmd", "NODE_CLUSTER")
      .number("errno", 0)
      .text("key", key)
      .number("ack", ack)
      .data(data);
  reply.number("seq", static_cast<std::int64_t>(sequence_++)).end();
  wrapper.end();
  return framed(std::move(bytes));
}

std::string NodeWriter::error_reply(std::int64_t ack, std::string_view key, std::string_view data,
                                    int number) {
  std::string bytes;
  Object reply(format_, bytes);
  reply.text("cmd", "NODE_CLUSTER")
      .number("errno", -number)
      .text("key", key)
      .number("ack", ack)
      .data(data);
  reply.number("seq", static_cast<std::int64_t>(sequence_++)).end();
  return framed(std::move(bytes));
}

std::string NodeWriter::connection(std::string_view key, std::uint64_t sequence) {
  std::string bytes;
  bytes.reserve(160);
  Object wrapper(format_, bytes);
  wrapper.text("cmd", "NODE_HANDLE").text("type", "net.Native").begin("msg");
  Object message(format_, bytes);
  message.text("cmd", "NODE_CLUSTER")
      .text("act", "newconn")
      .text("key", key)
      .number("seq", static_cast<std::int64_t>(sequence))
      .end();
  wrapper.end();
  return framed(std::move(bytes));
}

std::string NodeWriter::disconnect() {
  std::string bytes;
  Object(format_, bytes)
      .text("cmd", "NODE_CLUSTER")
      .text("act", "disconnect")
      .number("seq", static_cast<std::int64_t>(sequence_++))
      .end();
  return framed(std::move(bytes));
}

std::string NodeWriter::acknowledge(std::int64_t ack) {
  std::string bytes;
  Object(format_, bytes)
      .text("cmd", "NODE_CLUSTER")
      .number("ack", ack)
      .number("seq", static_cast<std::int64_t>(sequence_++))
      .end();
  return framed(std::move(bytes));
}

std::string NodeWriter::handle_arrived() {
  std::string bytes;
  Object(format_, bytes).text("cmd", "NODE_HANDLE_ACK").end();
  return framed(std::move(bytes));
}

std::string NodeWriter::all_closed(std::string_view key) {
  std::string bytes;
  Object(format_, bytes).text("cmd", "NODE_SOCKET_ALL_CLOSED").text("key", key).end();
  return framed(std::move(bytes));
}

std::string NodeWriter::count_of_none(std::string_view key) {
  std::string bytes;
  Object(format_, bytes).text("cmd", "NODE_SOCKET_COUNT").text("key", key).number("count", 0).end();
  return framed(std::move(bytes));
}

std::string NodeWriter::nudge() {
  std::string bytes;
  Object(format_, bytes).text("cmd", "NODE_NUDGE").end();
  return framed(std::move(bytes));
}

}  // namespace roundhouse::edge
