// The body of an HTTP/1.1 message, taken out of its framing as it comes in (RFC 9112 6 and 7).
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include "http/failure.h"
#include "http/field_parser.h"
#include "http/message.h"

namespace roundhouse::http {

// Limits of one body.
struct BodyLimits {
  std::uint64_t body_bytes =
      std::numeric_limits<std::uint64_t>::max();  // data, without framing -> 413
  std::size_t trailer_bytes = 4096;               // with the empty line -> 431
};

// One per connection, started for each message. Chunk extensions are dropped, and bounded in total
// by kExtensionBytesMax.
class BodyDecoder {
 public:
  struct Step {
    Parse status;
    std::size_t consumed;   // bytes of the input that are dealt with; the rest comes again with the
                            // next input
    std::string_view data;  // body bytes, inside what was consumed
  };

  explicit BodyDecoder(std::size_t trailers_max) : trailers_(trailers_max) {}

  // A body begins. A length above the limit fails at the first decode(), or see failure() at once.
  void start(BodyLength length, const BodyLimits& limits);

  // Takes one piece of data, or framing without data. Call again with the rest of the input until
  // kDone, kFailed, or kMore with nothing consumed and no data. Then more input is needed; only
  // trailers are ever left unconsumed, so that they lie together at kDone: at most trailer_bytes.
  // No byte is scanned twice.
  Step decode(std::string_view input);

  // How many bytes of a body of known length are still to come; 0 for every other one. These may
  // be taken past this decoder.
  std::uint64_t left_of_length() const { return state_ == State::kLength ? left_ : 0; }
  // REQUIRES: count <= left_of_length().
  void skip(std::uint64_t count);

  // The peer has closed: kDone if that ends the body, else kFailed.
  Parse end_of_input();

  bool done() const { return state_ == State::kDone; }
  Failure failure() const { return failure_; }

  // Valid at kDone, while the last input lives: views into it.
  const FieldTable& trailers() const { return trailers_; }
  FieldTable& trailers() { return trailers_; }

  static constexpr std::size_t kExtensionBytesMax = 4096;

 private:
  enum class State : std::uint8_t {
    kDone,
    kLength,
    kUntilClose,
    kChunkSize,
    kChunkSpace,  // white space after the size: only an extension may follow
    kChunkExtension,
    kChunkLineFeed,
    kChunkData,
    kChunkEnd,
    kChunkEndLineFeed,
    kTrailers
  };

  Step decode_data(std::string_view input);
  Step decode_chunk_line(std::string_view input);
  Step decode_chunk_end(std::string_view input);
  Step decode_trailers(std::string_view input);
  Failure take_size_digit(unsigned digit);
  Failure take_after_size(char c);
  Failure chunk_begins();
  Step fail(Failure failure) {
    failure_ = failure;
    return {Parse::kFailed, 0, {}};
  }

  State state_ = State::kDone;
  Failure failure_ = Failure::kNone;
  std::uint8_t digits_ = 0;
  std::uint64_t left_ =
      0;  // of the body (kLength), the chunk (kChunkData), or the size read so far
  std::uint64_t allowed_ = 0;
  std::size_t trailer_bytes_max_ = 0;
  std::size_t extension_bytes_ = 0;
  std::size_t trailer_position_ = 0;
  FieldParser trailer_parser_;
  FieldTable trailers_;
};

}  // namespace roundhouse::http
