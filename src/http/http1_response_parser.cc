#include "http/http1_response_parser.h"

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "http/framing.h"
#include "http/http1_version.h"
#include "http/scan.h"

namespace roundhouse::http {
namespace {

constexpr std::size_t kStatusBegin = kVersionSize + 1;
constexpr std::size_t kStatusEnd = kStatusBegin + 3;  // "HTTP/1.1 200"
constexpr std::size_t kReasonBegin = kStatusEnd + 1;

// "HTTP/1.1 200", or what of it is there, in the order of its bytes.
Failure parse_status(std::string_view text, Response& response) {
  if (!is_version_prefix(text.substr(0, kVersionSize))) return Failure::kBadStatusLine;
  if (text.size() < kVersionSize) return Failure::kNone;
  const Failure failure = parse_version(text, response.version);
  if (failure != Failure::kNone) return failure;
  if (text.size() > kVersionSize && text[kVersionSize] != ' ') return Failure::kBadStatusLine;
  response.status = 0;
  for (const char c : text.substr(std::min(kStatusBegin, text.size()))) {
    if (c < '0' || c > '9') return Failure::kBadStatusLine;
    response.status = response.status * 10 + (c - '0');
    if (response.status == 0 || (response.status > 5 && response.status < 10))
      return Failure::kBadStatusLine;
  }
  return Failure::kNone;
}

}  // namespace

ResponseParser::ResponseParser(const HeadLimits& limits) : limits_(limits) {
  CHECK(limits.line_bytes > kReasonBegin);
  CHECK(limits.head_bytes <= std::numeric_limits<std::uint32_t>::max());
}

void ResponseParser::start(Method asked) {
  asked_ = asked;
  state_ = State::kStatus;
  failure_ = Failure::kNone;
  position_ = 0;
}

Parse ResponseParser::parse(std::string_view received, Response& response) {
  if (failure_ != Failure::kNone) return Parse::kFailed;
  const std::string_view bytes = received.substr(0, limits_.head_bytes);
  Parse result = Parse::kDone;
  if (state_ != State::kFields) result = parse_line(bytes, response);
  if (result == Parse::kDone) {
    result = field_parser_.parse(bytes, position_, response.fields);
    if (result == Parse::kFailed) return fail(field_parser_.failure());
  }
  if (result == Parse::kMore && bytes.size() == limits_.head_bytes)
    return fail(state_ == State::kFields ? Failure::kHeadTooLong : Failure::kLineTooLong);
  if (result != Parse::kDone) return result;

  if (reason_end_ > kReasonBegin)
    response.reason = bytes.substr(kReasonBegin, reason_end_ - kReasonBegin);
  else
    response.reason = {};
  response.head_size = position_;
  response.fields.attach(bytes);
  const Failure failure = frame_response(response, asked_);
  return failure == Failure::kNone ? Parse::kDone : fail(failure);
}

Parse ResponseParser::parse_line(std::string_view bytes, Response& response) {
  const char* const base = bytes.data();
  const char* const end = base + bytes.size();
  const char* const limit = base + std::min(bytes.size(), limits_.line_bytes);
  const char* p = base + position_;
  const auto more = [&] {
    position_ = static_cast<std::size_t>(p - base);
    return Parse::kMore;
  };
  switch (state_) {
    case State::kStatus:  // these few bytes are looked at again when they come in pieces
      failure_ = parse_status(bytes.substr(0, kStatusEnd), response);
      if (failure_ != Failure::kNone) return Parse::kFailed;
      p = base + std::min(bytes.size(), kStatusEnd);
      if (p == end) return more();
      // The space before an empty reason is often forgotten.
      if (*p != ' ' && *p != '\r') return fail(Failure::kBadStatusLine);
      state_ = State::kReason;
      [[fallthrough]];
    case State::kReason:
      p = skip_value(p, limit);
      if (p == end) return more();
      if (p == limit && *p != '\r') return fail(Failure::kLineTooLong);
      if (*p != '\r') return fail(*p == '\n' ? Failure::kBareLineFeed : Failure::kBadStatusLine);
      reason_end_ = static_cast<std::size_t>(p - base);
      ++p;
      state_ = State::kLineFeed;
      [[fallthrough]];
    default:
      if (p == end) return more();
      if (*p != '\n') return fail(Failure::kBareCarriageReturn);
      ++p;
  }
  position_ = static_cast<std::size_t>(p - base);
  state_ = State::kFields;
  field_parser_.start();
  response.fields.clear();
  return Parse::kDone;
}

}  // namespace roundhouse::http
