// A section of field lines up to and with its empty line: of a head, or the trailers of a chunked
// body (RFC 9112 5).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/failure.h"
#include "http/message.h"

namespace roundhouse::http {

// Incremental: no byte is scanned twice, however small the pieces. Strict: a line ends in CRLF,
// nothing is folded, names are tokens directly before their colon, values hold no control character
// but HTAB.
class FieldParser {
 public:
  void start() { state_ = State::kLineStart; }

  // `bytes` begins at the same byte of the message on each call and only grows; it may have moved
  // in memory. `position` is where to go on, and afterwards how far it was scanned. kDone: position
  // is behind the empty line; the caller attaches the table.
  Parse parse(std::string_view bytes, std::size_t& position, FieldTable& fields);

  Failure failure() const { return failure_; }

 private:
  enum class State : std::uint8_t {
    kLineStart,
    kName,
    kBeforeValue,
    kValue,
    kValueLineFeed,
    kEndLineFeed
  };

  Parse fail(Failure failure) {
    failure_ = failure;
    return Parse::kFailed;
  }

  State state_ = State::kLineStart;
  Failure failure_ = Failure::kNone;
  FieldTable::Entry entry_{};
};

}  // namespace roundhouse::http
