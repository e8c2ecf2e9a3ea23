#include "proxy/forwarded_request.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "proxy/proxy_header.h"

namespace roundhouse::proxy {
namespace {

constexpr std::string_view kClose = "Connection: close\r\n";
constexpr std::string_view kUpgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
constexpr std::size_t kRequestIdMax = 128;

constexpr std::string_view kClientSubject = "X-Client-Cert-Subject";

// Those that we write ourselves, and one that CGI programs take for their own setting.
constexpr std::string_view kOurs[] = {"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto",
                                      "Forwarded",       "X-Real-IP",        "Proxy",
                                      "X-Request-Id",    kClientSubject};

// The 16 digits of a number, in no particular order: 8 at a time, a digit to a byte.
void write_hex(std::span<char, 16> out, std::uint64_t number) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  for (std::size_t half = 0; half < 2; ++half, number >>= 4) {
    const std::uint64_t digits = number & (15 * kOnes);
    const std::uint64_t letters = ((digits + 6 * kOnes) >> 4) & kOnes;  // 1 where it is above 9
    const std::uint64_t text = digits + '0' * kOnes + letters * ('a' - '0' - 10);
    std::memcpy(out.data() + half * sizeof text, &text, sizeof text);
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

// The version in which we got the message (RFC 9110 7.6.3).
std::string_view via(http::Version received) {
  switch (received) {
    case http::Version::kHttp10:
      return "Via: 1.0 roundhouse\r\n";
    case http::Version::kHttp11:
      return "Via: 1.1 roundhouse\r\n";
    case http::Version::kHttp2:
      return "Via: 2 roundhouse\r\n";
  }
  std::unreachable();
}

bool is_request_id(std::string_view text) {
  return !text.empty() && text.size() <= kRequestIdMax &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < 127; });
}

}  // namespace

ForwardedRequest::ForwardedRequest(Parts parts, const RequestFacts& facts)
    : parts_(parts),
      request_(parts.client.request()),
      hop_(request_.fields),
      facts_(facts),
      began_(parts.client.began()),
      peer_(ipc::peer_of(parts.client.connection()).host()),
      upgrade_(asks_for_websocket(request_)) {
  write_hex(std::span(id_).first<16>(), parts_.random());
  write_hex(std::span(id_).last<16>(), parts_.random());
  facts_.id = request_id();
  if (AccessRecord* const record = parts_.client.record()) record->request_id = facts_.id;
  const config::Route& route = parts_.route.config;
  if (parts_.path.empty() || (route.strip_prefix.empty() && route.add_prefix.empty())) return;
  target_ = rewritten(parts_.path, route.strip_prefix, route.add_prefix);
  if (request_.query) target_.append("?").append(*request_.query);
}

std::string_view ForwardedRequest::request_id() const {
  const auto given = request_.fields.find("X-Request-Id");
  return given && is_request_id(*given) ? *given : std::string_view(id_.data(), id_.size());
}

bool ForwardedRequest::goes_on(const http::Field& field) const {
  using enum http::FieldId;
  if (field.id == kHost || field.id == kContentLength || field.id == kExpect || hop_.holds(field))
    return false;
  if (field.name.contains('_') || parts_.route.request_edits.drops(field.name)) return false;
  const auto is = [&](std::string_view name) {
    return http::equals_ignoring_case(field.name, name);
  };
  return std::ranges::none_of(kOurs, is);
}

http::HeadWriter::Outcome ForwardedRequest::write_request(std::span<char> out, std::size_t& size) {
  http::HeadWriter head(out);
  write_target(head);
  write_host(head);
  for (std::size_t i = 0; i < request_.fields.size(); ++i) {
    const http::Field field = request_.fields[i];
    if (goes_on(field)) head.field(field.name, field.value);
  }
  write_origin(head);
  parts_.route.request_edits.write(facts_, head);
  write_framing(head);
  head.end();
  size = head.size();
  return head.outcome();
}

void ForwardedRequest::write_target(http::HeadWriter& head) const {
  if (!target_.empty()) {
    head.request_line(request_.method_name, target_);
  } else if (request_.form != http::TargetForm::kAbsolute) {
    head.request_line(request_.method_name, request_.target);
  } else {
    std::string origin_form(request_.path);
    if (request_.query) origin_form.append("?").append(*request_.query);
    head.request_line(request_.method_name, origin_form);
  }
}

void ForwardedRequest::write_host(http::HeadWriter& head) const {
  if (parts_.route.request_edits.drops("Host")) return;  // the route sets it
  head.field("Host", request_.authority.empty() ? facts_.upstream : request_.authority);
}

// What we say of the client and its request, but for what the route says instead.
void ForwardedRequest::write_origin(http::HeadWriter& head) const {
  const FieldEdits& edits = parts_.route.request_edits;
  const auto write = [&](std::string_view name, std::string_view value) {
    if (!value.empty() && !edits.drops(name)) head.field(name, value);
  };
  // What a trusted proxy said before us; of anybody else it is not believed.
  const auto said = [&](std::string_view name) {
    return facts_.peer_is_trusted ? request_.fields.find(name).value_or("") : std::string_view();
  };
  if (facts_.peer_is_trusted && !edits.drops("X-Forwarded-For")) {
    for (std::size_t i = 0; i < request_.fields.size(); ++i) {
      if (http::equals_ignoring_case(request_.fields[i].name, "X-Forwarded-For"))
        head.field("X-Forwarded-For", request_.fields[i].value);
    }
  }
  write("X-Forwarded-For", peer_);
  const std::string_view scheme = said("X-Forwarded-Proto");
  write("X-Forwarded-Proto", scheme.empty() ? facts_.scheme : scheme);
  const std::string_view host = said("X-Forwarded-Host");
  write("X-Forwarded-Host", host.empty() ? request_.authority : host);
  write(kClientSubject,
        facts_.client_subject.empty() ? said(kClientSubject) : facts_.client_subject);
  if (!edits.drops("Forwarded")) write_forwarded(head);
  head.trusted_lines(via(request_.version));
  write_trace(head);
}

void ForwardedRequest::write_forwarded(http::HeadWriter& head) const {
  const bool v6 = peer_.contains(':');
  for (std::size_t i = 0; facts_.peer_is_trusted && i < request_.fields.size(); ++i) {
    if (http::equals_ignoring_case(request_.fields[i].name, "Forwarded"))
      head.field("Forwarded", request_.fields[i].value);
  }
  const bool host = !request_.authority.empty();
  head.joined_field("Forwarded",
                    {v6 ? "for=\"[" : "for=", peer_, v6 ? "]\"" : "", ";proto=", facts_.scheme,
                     host ? ";host=\"" : "", request_.authority, host ? "\"" : ""});
}

// A trace that nobody has begun begins here; whether it is recorded is for those behind to say (W3C
// Trace Context 3.2).
void ForwardedRequest::write_trace(http::HeadWriter& head) const {
  const FieldEdits& edits = parts_.route.request_edits;
  if (!edits.drops("X-Request-Id")) head.field("X-Request-Id", facts_.id);
  if (request_.fields.find("traceparent") || edits.drops("traceparent")) return;
  const std::string_view id(id_.data(), id_.size());
  head.joined_field("traceparent", {"00-", id, "-", id.substr(8, 16), "-00"});
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
  if (upgrade_)
    head.trusted_lines(kUpgrade);
  else if (opens_with_header(parts_.cluster.config()))
    head.trusted_lines(kClose);  // so that the endpoint, which has the ports, closes first
}

void ForwardedRequest::write_response(const http::Response& response,
                                      const upstream::Endpoint& endpoint, http::HeadWriter& head) {
  const http::HopByHop hop(response.fields);
  const FieldEdits& edits = parts_.route.response_edits;
  answer_options_.clear();
  for (std::size_t i = 0; i < response.fields.size(); ++i) {
    const http::Field field = response.fields[i];
    if (field.id == http::FieldId::kConnection && response.body.framing == http::Framing::kChunked)
      answer_options_.append(field.value).append(",");
    // Of one with more options than are looked at nothing can be said: only what frames it is
    // known.
    const bool ends_here =
        field.id == http::FieldId::kConnection || field.id == http::FieldId::kContentLength ||
        field.id == http::FieldId::kTransferEncoding || field.id == http::FieldId::kUpgrade ||
        hop.too_many() || hop.holds(field);
    if (!ends_here && !edits.drops(field.name)) head.field(field.name, field.value);
  }
  head.trusted_lines(via(response.version));
  if (response.status == 101) head.trusted_lines(kUpgrade);
  facts_.endpoint = upstream::Cluster::name_of(endpoint);
  if (response.status >= 200) {
    edits.write(facts_, head);
    write_cookie(endpoint, head);
  }
}

// Keeps the client with this endpoint, unless it has said that already.
void ForwardedRequest::write_cookie(const upstream::Endpoint& endpoint,
                                    http::HeadWriter& head) const {
  const std::string& name = parts_.cluster.config().sticky.cookie;
  if (name.empty()) return;
  const std::string_view token = upstream::Cluster::token_of(endpoint);
  if (cookie_of(request_, name) == token) return;
  std::string cookie = name + "=";
  cookie.append(token).append("; Path=/; HttpOnly; SameSite=Lax");
  if (facts_.scheme == "https") cookie += "; Secure";
  head.field("Set-Cookie", cookie);
}

bool ForwardedRequest::passes_answer_trailer(const http::Field& field) const {
  for (http::ListReader list(answer_options_); const auto option = list.next();)
    if (http::equals_ignoring_case(*option, field.name)) return false;
  return !http::HopByHop::is_always(field.name) && !parts_.route.response_edits.drops(field.name);
}

void ForwardedRequest::ended(const ExchangeResult& result) {
  if (result.status != 0) {
    ipc::RouteTraffic& traffic = parts_.slot.routes[parts_.row];
    traffic.answers.count(result.status);
    traffic.durations.record((parts_.loop.now() - began_).count());
  }
  if (result.failure != http::Failure::kNone)
    ipc::add(parts_.slot.proxy_failures[static_cast<std::size_t>(result.failure)]);
}

}  // namespace roundhouse::proxy
