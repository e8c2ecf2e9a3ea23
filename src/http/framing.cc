#include "http/framing.h"

#include <limits>

#include "http/target.h"

namespace roundhouse::http {
namespace {

// Each of these fields may come once; the first thing wrong with one is the verdict.
struct Steering {
  std::optional<std::string_view> host;
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool close = false;
  bool keep_alive = false;
  bool expect_continue = false;
  Failure failure = Failure::kNone;
};

Failure take_transfer_encoding(std::string_view value, Steering& steering) {
  if (steering.chunked) return Failure::kRepeatedTransferEncoding;
  steering.chunked = true;
  return equals_ignoring_case(value, "chunked") ? Failure::kNone
                                                : Failure::kUnknownTransferEncoding;
}

Failure take_content_length(std::string_view value, Steering& steering) {
  if (steering.content_length) return Failure::kRepeatedContentLength;
  steering.content_length = parse_content_length(value);
  return steering.content_length ? Failure::kNone : Failure::kBadContentLength;
}

void take_connection(std::string_view value, Steering& steering) {
  ListReader list(value);
  while (const auto option = list.next()) {
    if (equals_ignoring_case(*option, "close")) steering.close = true;
    if (equals_ignoring_case(*option, "keep-alive")) steering.keep_alive = true;
  }
}

// Host and Expect mean something in requests only.
Failure take_request_field(const Field& field, Steering& steering) {
  if (field.id == FieldId::kHost) {
    if (steering.host) return Failure::kRepeatedHost;
    steering.host = field.value;
    return is_host(field.value) ? Failure::kNone : Failure::kBadHost;
  }
  steering.expect_continue = true;
  return equals_ignoring_case(field.value, "100-continue") ? Failure::kNone
                                                           : Failure::kUnknownExpectation;
}

Steering read_steering(const FieldTable& fields, bool of_request) {
  Steering steering;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const Field field = fields[i];
    switch (field.id) {
      case FieldId::kOther:
      case FieldId::kUpgrade:
        break;
      case FieldId::kConnection:
        take_connection(field.value, steering);
        break;
      case FieldId::kContentLength:
        steering.failure = take_content_length(field.value, steering);
        break;
      case FieldId::kTransferEncoding:
        steering.failure = take_transfer_encoding(field.value, steering);
        break;
      case FieldId::kHost:
      case FieldId::kExpect:
        if (of_request) steering.failure = take_request_field(field, steering);
        break;
    }
    if (steering.failure != Failure::kNone) return steering;
  }
  if (steering.chunked && steering.content_length) steering.failure = Failure::kTwoFramings;
  return steering;
}

bool wants_keep_alive(Version version, const Steering& steering) {
  return !steering.close && (version != Version::kHttp10 || steering.keep_alive);
}

BodyLength announced_length(const Steering& steering, Framing otherwise) {
  if (steering.chunked) return {Framing::kChunked, 0};
  if (!steering.content_length) return {otherwise, 0};
  if (*steering.content_length == 0) return {Framing::kNone, 0};
  return {Framing::kLength, *steering.content_length};
}

}  // namespace

std::optional<std::uint64_t> parse_content_length(std::string_view value) {
  constexpr std::size_t kDigitsMax = std::numeric_limits<std::int64_t>::digits10 + 1;
  if (value.empty() || value.size() > kDigitsMax) return std::nullopt;
  std::uint64_t bytes = 0;
  for (const char c : value) {
    if (c < '0' || c > '9') return std::nullopt;
    bytes = bytes * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (bytes > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    return std::nullopt;
  return bytes;
}

Failure frame_request(Request& request, Framing otherwise) {
  const Steering steering = read_steering(request.fields, true);
  if (steering.failure != Failure::kNone) return steering.failure;
  if (request.version == Version::kHttp10 && steering.chunked) return Failure::kOldTransferEncoding;
  if (request.version == Version::kHttp11 && !steering.host) return Failure::kMissingHost;
  if (request.authority.empty() && steering.host) request.authority = *steering.host;
  request.keep_alive = wants_keep_alive(request.version, steering);
  request.body = announced_length(steering, otherwise);
  request.expect_continue = steering.expect_continue && request.version != Version::kHttp10 &&
                            request.body.framing != Framing::kNone;
  return Failure::kNone;
}

Failure frame_response(Response& response, Method asked, Framing otherwise) {
  const Steering steering = read_steering(response.fields, false);
  if (steering.failure != Failure::kNone) return steering.failure;
  if (response.version == Version::kHttp10 && steering.chunked)
    return Failure::kOldTransferEncoding;
  const bool bodiless = response.status < 200 || response.status == 204 || response.status == 304 ||
                        asked == Method::kHead ||
                        (asked == Method::kConnect && response.status < 300);
  response.body = bodiless ? BodyLength{} : announced_length(steering, otherwise);
  response.keep_alive =
      wants_keep_alive(response.version, steering) && response.body.framing != Framing::kUntilClose;
  return Failure::kNone;
}

Failure check_trailers(const FieldTable& trailers) {
  for (std::size_t i = 0; i < trailers.size(); ++i) {
    if (trailers[i].id != FieldId::kOther) return Failure::kForbiddenTrailer;
  }
  return Failure::kNone;
}

}  // namespace roundhouse::http
