#include "http/http1_request_parser.h"

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "http/framing.h"
#include "http/http1_version.h"
#include "http/scan.h"
#include "http/target.h"

namespace roundhouse::http {
namespace {

// The rest of the line after a target: " HTTP/1.1".
constexpr std::size_t kAfterTarget = 1 + kVersionSize;

Failure why_not_a_target(char stop) {
  if (stop == '\n') return Failure::kBareLineFeed;
  return stop == '\r' ? Failure::kBadVersion : Failure::kBadTarget;
}

}  // namespace

RequestParser::RequestParser(const HeadLimits& limits) : limits_(limits) {
  CHECK(limits.line_bytes >= kLineBytesMin);
  CHECK(limits.head_bytes <= std::numeric_limits<std::uint32_t>::max());
}

void RequestParser::start() {
  state_ = State::kStart;
  failure_ = Failure::kNone;
  position_ = 0;
}

Parse RequestParser::parse(std::string_view received, Request& request) {
  if (failure_ != Failure::kNone) return Parse::kFailed;
  const std::string_view bytes = received.substr(0, limits_.head_bytes);
  Parse result = Parse::kDone;
  if (state_ <= State::kLeadingLineFeed) result = parse_leading_line(bytes);
  if (result == Parse::kDone && state_ < State::kFields) result = parse_line(bytes, request);
  if (result == Parse::kDone) result = parse_fields(bytes, request);
  if (result == Parse::kMore && bytes.size() == limits_.head_bytes)
    return fail(state_ == State::kFields ? Failure::kHeadTooLong : Failure::kLineTooLong);
  return result;
}

// One empty line before the request is forgiven (RFC 9112 2.2).
Parse RequestParser::parse_leading_line(std::string_view bytes) {
  if (state_ == State::kStart) {
    if (bytes.empty()) return Parse::kMore;
    if (bytes[0] == '\n') return fail(Failure::kBareLineFeed);
    if (bytes[0] == '\r') {
      state_ = State::kLeadingLineFeed;
      position_ = 1;
    }
  }
  if (state_ == State::kLeadingLineFeed) {
    if (bytes.size() == position_) return Parse::kMore;
    if (bytes[position_] != '\n') return fail(Failure::kBareCarriageReturn);
    ++position_;
  }
  line_begin_ = position_;
  state_ = State::kMethod;
  return Parse::kDone;
}

Parse RequestParser::parse_line(std::string_view bytes, Request& request) {
  const char* const base = bytes.data();
  const char* const end = base + bytes.size();
  // Where the longest allowed target would end.
  const std::size_t target_limit = line_begin_ + limits_.line_bytes - kAfterTarget;
  const char* const limit = base + std::min(bytes.size(), target_limit);
  const char* p = base + position_;
  const auto offset = [base](const char* at) { return static_cast<std::size_t>(at - base); };
  const auto more = [&] {
    position_ = offset(p);
    return Parse::kMore;
  };
  switch (state_) {
    case State::kMethod:
      p = skip_token(p, limit);
      if (p == end) return more();
      if (p == limit && *p != ' ') return fail(Failure::kLineTooLong);
      method_end_ = offset(p);
      if (*p != ' ' || method_end_ == line_begin_) return fail(Failure::kBadMethod);
      ++p;
      state_ = State::kTarget;
      [[fallthrough]];
    case State::kTarget:
      p = skip_target(p, std::max(p, limit));
      if (p == end) return more();
      if (p >= limit && *p != ' ') return fail(Failure::kLineTooLong);
      target_end_ = offset(p);
      if (*p != ' ') return fail(why_not_a_target(*p));
      if (target_end_ == method_end_ + 1) return fail(Failure::kBadTarget);
      ++p;
      state_ = State::kVersion;
      [[fallthrough]];
    case State::kVersion:
      if (offset(end) - offset(p) < kVersionSize)  // these few bytes are looked at again
        return is_version_prefix({p, end}) ? more() : fail(Failure::kBadVersion);
      failure_ = parse_version({p, kVersionSize}, request.version);
      if (failure_ != Failure::kNone) return Parse::kFailed;
      p += kVersionSize;
      state_ = State::kLineEnd;
      [[fallthrough]];
    case State::kLineEnd:
      if (p == end) return more();
      if (*p != '\r') return fail(*p == '\n' ? Failure::kBareLineFeed : Failure::kBadVersion);
      ++p;
      state_ = State::kLineFeed;
      [[fallthrough]];
    default:
      if (p == end) return more();
      if (*p != '\n') return fail(Failure::kBareCarriageReturn);
      ++p;
  }
  position_ = offset(p);
  state_ = State::kFields;
  field_parser_.start();
  request.fields.clear();
  return Parse::kDone;
}

Parse RequestParser::parse_fields(std::string_view bytes, Request& request) {
  switch (field_parser_.parse(bytes, position_, request.fields)) {
    case Parse::kMore:
      return Parse::kMore;
    case Parse::kFailed:
      return fail(field_parser_.failure());
    case Parse::kDone:
      break;
  }
  return finish(bytes, request);
}

Parse RequestParser::finish(std::string_view bytes, Request& request) {
  request.method_name = bytes.substr(line_begin_, method_end_ - line_begin_);
  request.method = method_of(request.method_name);
  request.target = bytes.substr(method_end_ + 1, target_end_ - method_end_ - 1);
  request.head_size = position_;
  request.fields.attach(bytes);
  Failure failure = split_target(request);
  if (failure == Failure::kNone) failure = frame_request(request);
  return failure == Failure::kNone ? Parse::kDone : fail(failure);
}

}  // namespace roundhouse::http
