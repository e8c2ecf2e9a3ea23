// The head of an HTTP/1.1 or HTTP/1.0 request, incrementally and without copying (RFC 9112, RFC
// 9110).
//
// Strict where implementations differ, because a proxy and a server that read one message
// differently are how requests are smuggled: bare LF, folding, white space before a colon, both
// framings, odd lengths are all refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/failure.h"
#include "http/field_parser.h"
#include "http/message.h"

namespace roundhouse::http {

// One per connection, cheap to keep: it holds no bytes. No byte is scanned twice, however small the
// pieces.
class RequestParser {
 public:
  // REQUIRES: limits.line_bytes >= kLineBytesMin and limits.head_bytes <= 4 GiB.
  explicit RequestParser(const HeadLimits& limits);

  // A new message begins.
  void start();
  // A byte of the message has been parsed (even of an empty line before it).
  bool started() const { return position_ != 0; }

  // `received` begins at the first byte of the message on each call and only grows; it may have
  // moved in memory. kDone: request is filled, with views into `received`, of which
  // request.head_size bytes were the head; the rest is body, or the next message. kFailed: see
  // failure(); nothing of the request may be used. The same bytes give the same verdict however
  // they are split.
  Parse parse(std::string_view received, Request& request);

  Failure failure() const { return failure_; }

  static constexpr std::size_t kLineBytesMin = 64;

 private:
  enum class State : std::uint8_t {
    kStart,
    kLeadingLineFeed,
    kMethod,
    kTarget,
    kVersion,
    kLineEnd,
    kLineFeed,
    kFields
  };

  Parse parse_leading_line(std::string_view bytes);
  Parse parse_line(std::string_view bytes, Request& request);
  Parse parse_fields(std::string_view bytes, Request& request);
  Parse finish(std::string_view bytes, Request& request);
  Parse fail(Failure failure) {
    failure_ = failure;
    return Parse::kFailed;
  }

  HeadLimits limits_;
  State state_ = State::kStart;
  Failure failure_ = Failure::kNone;
  std::size_t position_ = 0;  // scanned so far
  std::size_t line_begin_ = 0;
  std::size_t method_end_ = 0;
  std::size_t target_end_ = 0;
  FieldParser field_parser_;
};

}  // namespace roundhouse::http
