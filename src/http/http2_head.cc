#include "http/http2_head.h"

#include <algorithm>
#include <utility>

#include "http/framing.h"
#include "http/scan.h"
#include "http/target.h"

namespace roundhouse::http {
namespace {

constexpr std::size_t kFieldOverhead = 32;  // RFC 9113 6.5.2
constexpr std::size_t kPatience = 8;        // times the limit: then it is no mistake any more
constexpr std::size_t kFreeMax = 256;

constexpr std::string_view kPseudoNames[] = {":method", ":scheme",   ":authority",
                                             ":path",   ":protocol", ":status"};

bool is_target(std::string_view text) {
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  return begin != end && skip_target(begin, end) == end;
}

bool is_http(std::string_view scheme) {
  return equals_ignoring_case(scheme, "http") || equals_ignoring_case(scheme, "https");
}

Failure check_fields(const FieldTable& fields) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (!is_token(fields[i].name)) return Failure::kBadFieldName;
    if (!is_field_value(fields[i].value)) return Failure::kBadFieldValue;
  }
  return Failure::kNone;
}

// RFC 9113 8.3.1: without :authority it is Host that says it.
Failure settle_authority(const Http2Head& head, Request& request) {
  const std::string_view host = request.authority;  // of Host, if there is one
  if (head.authority.empty()) return host.empty() ? Failure::kMissingHost : Failure::kNone;
  if (!is_host(head.authority)) return Failure::kBadHost;
  if (!host.empty() && !equals_ignoring_case(host, head.authority)) return Failure::kBadHost;
  request.authority = head.authority;
  return Failure::kNone;
}

}  // namespace

void Http2Head::start(const HeadLimits& limits) {
  limits_ = limits;
  text_.clear();
  size_ = cookies_ = 0;
  fields.clear();
  fields.limit(limits.fields);
  method = scheme = authority = path = protocol = status = {};
  std::ranges::fill(pseudo_, Piece{});
  failure = Failure::kNone;
  ended = false;
}

Http2Head::Piece Http2Head::keep(std::string_view text) {
  const Piece piece{.begin = static_cast<std::uint32_t>(text_.size()),
                    .size = static_cast<std::uint32_t>(text.size())};
  text_.append(text);
  return piece;
}

void Http2Head::append(std::string_view name, std::string_view value) {
  const Piece name_at = keep(name);
  const Piece value_at = keep(value);
  fields.append({.name_begin = name_at.begin,
                 .name_size = name_at.size,
                 .value_begin = value_at.begin,
                 .value_size = value_at.size,
                 .id = FieldId::kOther});
}

bool Http2Head::add(std::string_view name, std::string_view value) {
  size_ += name.size() + value.size() + kFieldOverhead;
  if (size_ > limits_.head_bytes && failure == Failure::kNone) failure = Failure::kHeadTooLong;
  if (failure != Failure::kNone) return size_ <= kPatience * limits_.head_bytes;
  if (name.starts_with(':')) {
    const auto* const found = std::ranges::find(kPseudoNames, name);
    if (found == std::end(kPseudoNames)) return true;  // nghttp2 has refused it
    if (name == ":path" && value.size() > limits_.line_bytes)
      failure = Failure::kLineTooLong;
    else
      pseudo_[found - kPseudoNames] = keep(value);
    return true;
  }
  if (fields.full()) {
    failure = Failure::kTooManyFields;
    return true;
  }
  append(name, value);
  if (name == "cookie") ++cookies_;
  return true;
}

void Http2Head::join_cookies() {
  std::string all;
  fields.attach(text_);
  const auto is_cookie = [](const Field& field) { return field.name == "cookie"; };
  for (std::size_t i = 0; i < fields.size(); ++i)
    if (is_cookie(fields[i])) all.append(all.empty() ? "" : "; ").append(fields[i].value);
  fields.remove_if(is_cookie);
  append("cookie", all);
}

void Http2Head::finish(bool is_last) {
  ended = is_last;
  if (cookies_ > 1) join_cookies();
  fields.attach(text_);
  method = view_of(pseudo_[kMethod]);
  scheme = view_of(pseudo_[kScheme]);
  authority = view_of(pseudo_[kAuthority]);
  path = view_of(pseudo_[kPath]);
  protocol = view_of(pseudo_[kProtocol]);
  status = view_of(pseudo_[kStatus]);
}

std::unique_ptr<Http2Head> Http2HeadPool::acquire(const HeadLimits& limits) {
  std::unique_ptr<Http2Head> head;
  if (free_.empty()) {
    head = std::make_unique<Http2Head>(fields_max_);
  } else {
    head = std::move(free_.back());
    free_.pop_back();
  }
  head->start(limits);
  return head;
}

void Http2HeadPool::release(std::unique_ptr<Http2Head> head) {
  if (free_.size() < kFreeMax) free_.push_back(std::move(head));
}

Failure read_request(Http2Head& head, Request& request) {
  request.version = Version::kHttp2;
  request.method_name = head.method;
  request.method = method_of(head.method);
  request.target = request.method == Method::kConnect ? head.authority : head.path;
  request.authority = request.path = {};
  request.query.reset();
  request.form = TargetForm::kOrigin;
  request.body = {};
  request.keep_alive = true;
  request.expect_continue = false;
  request.head_size = 0;
  std::swap(request.fields, head.fields);
  if (head.failure != Failure::kNone) return head.failure;
  if (!is_token(head.method)) return Failure::kBadMethod;
  if (!is_target(request.target)) return Failure::kBadTarget;
  if (request.method != Method::kConnect && (!is_http(head.scheme) || !head.protocol.empty()))
    return Failure::kBadTarget;
  if (const Failure failure = check_fields(request.fields); failure != Failure::kNone)
    return failure;
  if (const Failure failure = split_target(request); failure != Failure::kNone) return failure;
  if (request.form == TargetForm::kAbsolute) return Failure::kTargetFormRefused;
  request.authority = {};
  const Framing otherwise = head.ended ? Framing::kNone : Framing::kChunked;
  if (const Failure failure = frame_request(request, otherwise); failure != Failure::kNone)
    return failure;
  return settle_authority(head, request);
}

Failure read_response(Http2Head& head, Method asked, Response& response) {
  response.version = Version::kHttp2;
  response.reason = {};
  response.keep_alive = true;
  response.body = {};
  response.head_size = 0;
  std::swap(response.fields, head.fields);
  if (head.failure != Failure::kNone) return head.failure;
  response.status = 0;
  for (const char c : head.status) {
    if (c < '0' || c > '9') return Failure::kBadStatusLine;
    response.status = response.status * 10 + (c - '0');
  }
  if (head.status.size() != 3 || response.status < 100 || response.status > 599)
    return Failure::kBadStatusLine;
  if (const Failure failure = check_fields(response.fields); failure != Failure::kNone)
    return failure;
  const Framing otherwise = head.ended ? Framing::kNone : Framing::kChunked;
  return frame_response(response, asked, otherwise);
}

Failure check_trailers(const Http2Head& head) {
  if (head.failure != Failure::kNone) return head.failure;
  if (const Failure failure = check_fields(head.fields); failure != Failure::kNone) return failure;
  return check_trailers(head.fields);
}

}  // namespace roundhouse::http
