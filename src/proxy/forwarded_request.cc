#include "proxy/forwarded_request.h"

#include <algorithm>
#include <string_view>

namespace roundhouse::proxy {
namespace {

constexpr std::string_view kVia = "Via: 1.1 roundhouse\r\n";
constexpr std::string_view kUpgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
constexpr std::size_t kRequestIdMax = 128;

// Those that we write ourselves, and one that CGI programs take for their own setting.
constexpr std::string_view kOurs[] = {"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto",
                                      "Forwarded",       "X-Real-IP",        "Proxy"};

void write_hex(std::span<char> out, std::uint64_t number) {
  for (char& c : out) {
    c = "0123456789abcdef"[number & 15];
    number >>= 4;
  }
}

bool lists(const http::FieldTable& fields, http::FieldId id, std::string_view member) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].id != id) continue;
    for (http::ListReader list(fields[i].value); const auto found = list.next();)
      if (http::equals_ignoring_case(*found, member)) return true;
  }
  return false;
}

bool asks_for_websocket(const http::Request& request) {
  return request.method == http::Method::kGet && request.version == http::Version::kHttp11 &&
         request.body.framing == http::Framing::kNone &&
         lists(request.fields, http::FieldId::kConnection, "upgrade") &&
         lists(request.fields, http::FieldId::kUpgrade, "websocket");
}

bool is_request_id(std::string_view text) {
  return !text.empty() && text.size() <= kRequestIdMax &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < 127; });
}

}  // namespace

ForwardedRequest::ForwardedRequest(Parts parts)
    : parts_(parts),
      request_(parts.client.request()),
      hop_(request_.fields),
      began_(parts.client.began()),
      peer_(ipc::peer_of(parts.client.connection()).host()),
      upgrade_(asks_for_websocket(request_)) {
  write_hex(std::span(id_).first<16>(), parts_.random());
  write_hex(std::span(id_).last<16>(), parts_.random());
}

bool ForwardedRequest::goes_on(const http::Field& field) const {
  using enum http::FieldId;
  if (field.id == kHost || field.id == kContentLength || field.id == kExpect || hop_.holds(field))
    return false;
  if (field.name.contains('_')) return false;
  const auto is = [&](std::string_view name) {
    return http::equals_ignoring_case(field.name, name);
  };
  if (is("X-Request-Id")) return is_request_id(field.value);
  return std::ranges::none_of(kOurs, is);
}

http::HeadWriter::Outcome ForwardedRequest::write_request(std::span<char> out, std::size_t& size) {
  http::HeadWriter head(out);
  std::string origin_form;
  std::string_view target = request_.target;
  if (request_.form == http::TargetForm::kAbsolute) {
    origin_form = request_.path;
    if (request_.query) origin_form.append("?").append(*request_.query);
    target = origin_form;
  }
  head.request_line(request_.method_name, target);
  head.field("Host", request_.authority.empty() ? parts_.upstream : request_.authority);
  for (std::size_t i = 0; i < request_.fields.size(); ++i) {
    const http::Field field = request_.fields[i];
    if (goes_on(field)) head.field(field.name, field.value);
  }
  write_origin(head);
  write_framing(head);
  head.end();
  size = head.size();
  return head.outcome();
}

void ForwardedRequest::write_origin(http::HeadWriter& head) const {
  head.field("X-Forwarded-For", peer_).trusted_lines("X-Forwarded-Proto: http\r\n");
  const bool v6 = peer_.contains(':');
  std::string forwarded = v6 ? "for=\"[" + peer_ + "]\"" : "for=" + peer_;
  forwarded += ";proto=http";
  if (!request_.authority.empty()) {
    head.field("X-Forwarded-Host", request_.authority);
    forwarded.append(";host=\"").append(request_.authority).append("\"");
  }
  head.field("Forwarded", forwarded).trusted_lines(kVia);
  const std::string_view id(id_.data(), id_.size());
  const auto given = request_.fields.find("X-Request-Id");
  if (!given || !is_request_id(*given)) head.field("X-Request-Id", id);
  // A trace that nobody has begun begins here; whether it is recorded is for those behind to say
  // (W3C Trace Context 3.2).
  if (!request_.fields.find("traceparent"))
    head.field("traceparent",
               "00-" + std::string(id) + "-" + std::string(id.substr(8, 16)) + "-00");
}

void ForwardedRequest::write_framing(http::HeadWriter& head) const {
  switch (request_.body.framing) {
    case http::Framing::kLength:
      head.field("Content-Length", request_.body.bytes);
      break;
    case http::Framing::kChunked:
      head.trusted_lines("Transfer-Encoding: chunked\r\n");
      break;
    case http::Framing::kNone:
    case http::Framing::kUntilClose:
      if (request_.fields.find("Content-Length")) head.trusted_lines("Content-Length: 0\r\n");
      break;
  }
  if (upgrade_) head.trusted_lines(kUpgrade);
}

void ForwardedRequest::write_response(const http::Response& response, http::HeadWriter& head) {
  const http::HopByHop hop(response.fields);
  for (std::size_t i = 0; i < response.fields.size(); ++i) {
    const http::Field field = response.fields[i];
    // Of one with more options than are looked at nothing can be said: only what frames it is
    // known.
    const bool ends_here =
        field.id == http::FieldId::kConnection || field.id == http::FieldId::kContentLength ||
        field.id == http::FieldId::kTransferEncoding || field.id == http::FieldId::kUpgrade ||
        hop.too_many() || hop.holds(field);
    if (!ends_here) head.field(field.name, field.value);
  }
  head.trusted_lines(kVia);
  if (response.status == 101) head.trusted_lines(kUpgrade);
}

void ForwardedRequest::ended(const ExchangeResult& result) {
  if (result.status != 0) {
    parts_.slot.routes[0].answers.count(result.status);
    parts_.slot.routes[0].durations.record((parts_.loop.now() - began_).count());
  }
  if (result.failure != http::Failure::kNone)
    ipc::add(parts_.slot.proxy_failures[static_cast<std::size_t>(result.failure)]);
}

}  // namespace roundhouse::proxy
