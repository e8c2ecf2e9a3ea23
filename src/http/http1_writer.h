// Message heads and chunk framing, written into the caller's buffer (RFC 9112).
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "http/message.h"

namespace roundhouse::http {

// Writes one head, or a trailer section. Everything is validated here, whoever parsed it: no
// method, target, name or value can bring in a CR, LF, NUL or another control character. The first
// thing that is refused or does not fit decides the outcome; nothing is written after it.
//   HeadWriter writer(buffer);
//   writer.status_line(200).field("Content-Length", 5).end();
class HeadWriter {
 public:
  enum class Outcome : std::uint8_t { kOk, kFull, kRefused };

  // The buffer must outlive the writer.
  explicit HeadWriter(std::span<char> out) : out_(out) {}

  HeadWriter& request_line(std::string_view method, std::string_view target);
  HeadWriter& status_line(int status) { return status_line(status, reason_phrase(status)); }
  HeadWriter& status_line(int status, std::string_view reason);
  HeadWriter& field(std::string_view name, std::string_view value);
  HeadWriter& field(std::string_view name, std::uint64_t value);
  // The value in pieces.
  HeadWriter& joined_field(std::string_view name, std::initializer_list<std::string_view> value);
  // Whole lines that are constants of ours or came out of a HeadWriter; not validated.
  HeadWriter& trusted_lines(std::string_view lines);
  HeadWriter& end();

  bool ok() const { return outcome_ == Outcome::kOk; }
  Outcome outcome() const { return outcome_; }
  std::size_t size() const { return size_; }
  std::string_view text() const { return {out_.data(), size_}; }

 private:
  bool require(bool valid);
  char* room_for(std::size_t bytes);
  void put(std::initializer_list<std::string_view> parts);

  std::span<char> out_;
  std::size_t size_ = 0;
  Outcome outcome_ = Outcome::kOk;
};

// The line before the data of a chunk; behind the data comes kChunkEnd. Returns its size.
// REQUIRES: bytes > 0, since an empty chunk ends the body.
inline constexpr std::size_t kChunkLineBytesMax = 18;
std::size_t write_chunk_line(std::span<char, kChunkLineBytesMax> out, std::uint64_t bytes);
inline constexpr std::string_view kChunkEnd = "\r\n";
// After the last chunk: this line, then the trailers if any, then an empty line.
inline constexpr std::string_view kLastChunkLine = "0\r\n";
inline constexpr std::string_view kLastChunkWithoutTrailers = "0\r\n\r\n";

inline constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace roundhouse::http
