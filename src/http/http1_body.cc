#include "http/http1_body.h"

#include <algorithm>

#include "base/check.h"
#include "http/framing.h"
#include "http/scan.h"

namespace roundhouse::http {
namespace {

constexpr unsigned kSizeDigitsMax = 16;
constexpr unsigned kNoDigit = 16;

constexpr unsigned hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
  return kNoDigit;
}

}  // namespace

void BodyDecoder::start(BodyLength length, const BodyLimits& limits) {
  failure_ = Failure::kNone;
  left_ = length.bytes;
  allowed_ = limits.body_bytes;
  trailer_bytes_max_ = limits.trailer_bytes;
  digits_ = 0;
  extension_bytes_ = 0;
  trailers_.clear();
  switch (length.framing) {
    case Framing::kNone:
      state_ = State::kDone;
      break;
    case Framing::kLength:
      state_ = State::kLength;
      break;
    case Framing::kChunked:
      state_ = State::kChunkSize;
      break;
    case Framing::kUntilClose:
      state_ = State::kUntilClose;
      break;
  }
  if (state_ == State::kLength && left_ > allowed_) failure_ = Failure::kBodyTooLong;
}

BodyDecoder::Step BodyDecoder::decode(std::string_view input) {
  if (failure_ != Failure::kNone) return {Parse::kFailed, 0, {}};
  switch (state_) {
    case State::kDone:
      return {Parse::kDone, 0, {}};
    case State::kLength:
    case State::kUntilClose:
    case State::kChunkData:
      return decode_data(input);
    case State::kChunkSize:
    case State::kChunkSpace:
    case State::kChunkExtension:
    case State::kChunkLineFeed:
      return decode_chunk_line(input);
    case State::kChunkEnd:
    case State::kChunkEndLineFeed:
      return decode_chunk_end(input);
    case State::kTrailers:
      return decode_trailers(input);
  }
  CHECK(false);
}

void BodyDecoder::skip(std::uint64_t count) {
  CHECK(count <= left_of_length());
  left_ -= count;
  if (left_ == 0 && state_ == State::kLength) state_ = State::kDone;
}

Parse BodyDecoder::end_of_input() {
  if (failure_ != Failure::kNone) return Parse::kFailed;
  if (state_ == State::kUntilClose) state_ = State::kDone;
  if (state_ == State::kDone) return Parse::kDone;
  failure_ = Failure::kTruncatedBody;
  return Parse::kFailed;
}

BodyDecoder::Step BodyDecoder::decode_data(std::string_view input) {
  if (state_ == State::kUntilClose) {
    if (input.size() > allowed_) return fail(Failure::kBodyTooLong);
    allowed_ -= input.size();
    return {Parse::kMore, input.size(), input};
  }
  const std::string_view data = input.substr(0, std::min<std::uint64_t>(left_, input.size()));
  left_ -= data.size();
  if (left_ == 0) state_ = state_ == State::kLength ? State::kDone : State::kChunkEnd;
  return {done() ? Parse::kDone : Parse::kMore, data.size(), data};
}

BodyDecoder::Step BodyDecoder::decode_chunk_line(std::string_view input) {
  std::size_t i = 0;
  while (i < input.size() && state_ != State::kChunkData && state_ != State::kTrailers) {
    Failure failure = Failure::kNone;
    const char c = input[i++];
    if (state_ == State::kChunkLineFeed) {
      failure = c == '\n' ? chunk_begins() : Failure::kBareCarriageReturn;
    } else if (const unsigned digit = hex_digit(c);
               state_ == State::kChunkSize && digit != kNoDigit) {
      failure = take_size_digit(digit);
    } else {
      failure = take_after_size(c);
    }
    if (failure != Failure::kNone) return fail(failure);
  }
  return {Parse::kMore, i, {}};
}

Failure BodyDecoder::take_size_digit(unsigned digit) {
  if (digits_ == kSizeDigitsMax) return Failure::kBadChunkSize;
  left_ = digits_ == 0 ? digit : left_ << 4 | digit;  // 16 digits are 64 bits
  ++digits_;
  return Failure::kNone;
}

// chunk-size [ *( BWS ";" extension ) ] CR: what follows the digits.
Failure BodyDecoder::take_after_size(char c) {
  if (digits_ == 0) return c == '\n' ? Failure::kBareLineFeed : Failure::kBadChunkSize;
  if (c == '\n') return Failure::kBareLineFeed;
  if (c == '\r' && state_ != State::kChunkSpace) {
    state_ = State::kChunkLineFeed;
    return Failure::kNone;
  }
  if (++extension_bytes_ > kExtensionBytesMax) return Failure::kChunkExtensionsTooLong;
  if (state_ == State::kChunkExtension)
    return is(kValueByte, c) ? Failure::kNone : Failure::kBadChunkExtension;
  if (c == ';') {
    state_ = State::kChunkExtension;
  } else if (c == ' ' || c == '\t') {
    state_ = State::kChunkSpace;
  } else {
    return Failure::kBadChunkSize;
  }
  return Failure::kNone;
}

Failure BodyDecoder::chunk_begins() {
  digits_ = 0;
  if (left_ == 0) {
    state_ = State::kTrailers;
    trailer_position_ = 0;
    trailer_parser_.start();
    return Failure::kNone;
  }
  if (left_ > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    return Failure::kBadChunkSize;
  if (left_ > allowed_) return Failure::kBodyTooLong;
  allowed_ -= left_;
  state_ = State::kChunkData;
  return Failure::kNone;
}

BodyDecoder::Step BodyDecoder::decode_chunk_end(std::string_view input) {
  std::size_t i = 0;
  if (i < input.size() && state_ == State::kChunkEnd) {
    if (input[i] != '\r')
      return fail(input[i] == '\n' ? Failure::kBareLineFeed : Failure::kBadChunkEnd);
    ++i;
    state_ = State::kChunkEndLineFeed;
  }
  if (i < input.size()) {
    if (input[i] != '\n') return fail(Failure::kBareCarriageReturn);
    ++i;
    state_ = State::kChunkSize;
  }
  return {Parse::kMore, i, {}};
}

BodyDecoder::Step BodyDecoder::decode_trailers(std::string_view input) {
  const std::string_view bytes = input.substr(0, trailer_bytes_max_);
  switch (trailer_parser_.parse(bytes, trailer_position_, trailers_)) {
    case Parse::kMore:
      if (bytes.size() == trailer_bytes_max_) return fail(Failure::kHeadTooLong);
      return {Parse::kMore, 0, {}};
    case Parse::kFailed:
      return fail(trailer_parser_.failure());
    case Parse::kDone:
      break;
  }
  trailers_.attach(bytes);
  const Failure failure = check_trailers(trailers_);
  if (failure != Failure::kNone) return fail(failure);
  state_ = State::kDone;
  return {Parse::kDone, trailer_position_, {}};
}

}  // namespace roundhouse::http
