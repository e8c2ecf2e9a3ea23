// Frames of HTTP/2 by hand (RFC 9113 4 and 6), and those that were sent, taken apart: for tests of
// what no well-behaved end would send.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace roundhouse::test::h2 {

enum Type : std::uint8_t {
  kData,
  kHeaders,
  kPriority,
  kRstStream,
  kSettings,
  kPushPromise,
  kPing,
  kGoaway,
  kWindowUpdate,
  kContinuation
};

// Flags of a frame; what they mean depends on its type.
inline constexpr std::uint8_t kAck = 0x1;
inline constexpr std::uint8_t kEndStream = 0x1;
inline constexpr std::uint8_t kEndHeaders = 0x4;
inline constexpr std::uint8_t kPadded = 0x8;
inline constexpr std::uint8_t kWithPriority = 0x20;

// Settings (RFC 9113 6.5.2).
inline constexpr std::uint16_t kHeaderTableSize = 1;
inline constexpr std::uint16_t kEnablePush = 2;
inline constexpr std::uint16_t kMaxConcurrentStreams = 3;
inline constexpr std::uint16_t kInitialWindowSize = 4;
inline constexpr std::uint16_t kMaxFrameSize = 5;

// `size` bytes, the most significant first.
inline std::string number(std::uint64_t value, std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i)
    bytes[size - 1 - i] = static_cast<char>((value >> (8 * i)) & 0xff);
  return bytes;
}

inline std::string frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                         std::string_view payload = {}) {
  return number(payload.size(), 3) + number(type, 1) + number(flags, 1) + number(stream, 4) +
         std::string(payload);
}

// A string of HPACK without Huffman's code (RFC 7541 5.2).
inline std::string literal(std::string_view text) {
  constexpr std::size_t kPrefixMax = 127;
  if (text.size() < kPrefixMax) return number(text.size(), 1) + std::string(text);
  std::string size(1, static_cast<char>(kPrefixMax));
  std::size_t rest = text.size() - kPrefixMax;
  for (; rest >= 128; rest /= 128) size += static_cast<char>(rest % 128 + 128);
  return size + static_cast<char>(rest) + std::string(text);
}

using Lines = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// Fields as HPACK that changes no table (RFC 7541 6.2.2): good on any connection, in any order.
inline std::string block(Lines lines) {
  std::string bytes;
  for (const auto& [name, value] : lines) bytes += '\0' + literal(name) + literal(value);
  return bytes;
}

// GET / of http://a
inline std::string get_block() {
  return block({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a"}});
}
inline std::string post_block() {
  return block({{":method", "POST"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a"}});
}

inline std::string headers(std::uint32_t stream, std::string_view fields, bool ends) {
  const unsigned flags = kEndHeaders | (ends ? kEndStream : 0U);
  return frame(kHeaders, static_cast<std::uint8_t>(flags), stream, fields);
}
inline std::string get(std::uint32_t stream) { return headers(stream, get_block(), true); }
inline std::string post(std::uint32_t stream) { return headers(stream, post_block(), false); }
inline std::string data(std::uint32_t stream, std::string_view text, bool ends = false) {
  return frame(kData, ends ? kEndStream : 0, stream, text);
}
inline std::string rst_stream(std::uint32_t stream, std::uint32_t error) {
  return frame(kRstStream, 0, stream, number(error, 4));
}
inline std::string setting(std::uint16_t id, std::uint32_t value) {
  return number(id, 2) + number(value, 4);
}
inline std::string settings(std::string_view entries = {}) {
  return frame(kSettings, 0, 0, entries);
}
inline std::string settings_ack() { return frame(kSettings, kAck, 0); }
inline std::string ping(std::string_view text = "12345678") { return frame(kPing, 0, 0, text); }
inline std::string goaway(std::uint32_t last, std::uint32_t error) {
  return frame(kGoaway, 0, 0, number(last, 4) + number(error, 4));
}
inline std::string window_update(std::uint32_t stream, std::uint32_t bytes) {
  return frame(kWindowUpdate, 0, stream, number(bytes, 4));
}

struct Frame {
  std::uint8_t type;
  std::uint8_t flags;
  std::uint32_t stream;
  std::string payload;

  bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
  // Four bytes of the payload.
  std::uint32_t number_at(std::size_t offset) const {
    std::uint32_t value = 0;
    for (std::size_t i = offset; i < offset + 4 && i < payload.size(); ++i)
      value = value << 8 | static_cast<unsigned char>(payload[i]);
    return value;
  }
};

// The first frame of `bytes`, which it is taken from; none if it is not whole.
inline std::optional<Frame> take_frame(std::string& bytes) {
  constexpr std::size_t kHeader = 9;
  if (bytes.size() < kHeader) return std::nullopt;
  const Frame header{.type = 0, .flags = 0, .stream = 0, .payload = bytes.substr(0, kHeader)};
  const std::size_t size = header.number_at(0) >> 8;
  if (bytes.size() < kHeader + size) return std::nullopt;
  Frame frame{.type = static_cast<std::uint8_t>(bytes[3]),
              .flags = static_cast<std::uint8_t>(bytes[4]),
              .stream = header.number_at(5),
              .payload = bytes.substr(kHeader, size)};
  bytes.erase(0, kHeader + size);
  return frame;
}

}  // namespace roundhouse::test::h2
