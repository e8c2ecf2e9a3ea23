// What goes on to the next hop says the same as what came. A request, as the endpoint is to get it,
// and an answer, as the client is to get it, are parsed again: target, framing and the fields that
// are for the other end agree, and none of this hop are left.
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "http/forwarding.h"
#include "http/http1_request_parser.h"
#include "http/http1_response_parser.h"
#include "proxy/forwarded_request.h"
#include "proxy/http1_answer.h"
#include "upstream/endpoint.h"

namespace roundhouse::proxy {
namespace {

constexpr http::HeadLimits kLimits{.line_bytes = 2000, .head_bytes = 8000, .fields = 40};
// What is added on the way.
constexpr http::HeadLimits kWider{.line_bytes = 3000, .head_bytes = 20000, .fields = 60};
constexpr std::string_view kDate = "Date: now\r\n";

// Names that the next hop gets from us alone, or not at all.
constexpr std::string_view kNotTheirs[] = {
    "Host",      "Content-Length",    "Transfer-Encoding", "Connection",      "Keep-Alive",
    "TE",        "Upgrade",           "Proxy-Connection",  "X-Forwarded-For", "X-Forwarded-Host",
    "Forwarded", "X-Forwarded-Proto", "X-Real-IP",         "Proxy",           "X-Request-Id",
    "Expect"};
constexpr std::string_view kOfOneHop[] = {"Connection", "Keep-Alive", "TE", "Upgrade",
                                          "Proxy-Connection"};

bool is_among(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::any_of(
      names, [&](std::string_view one) { return http::equals_ignoring_case(one, name); });
}

bool is_named_by_connection(const http::FieldTable& fields, std::string_view name) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (!http::equals_ignoring_case(fields[i].name, "Connection")) continue;
    for (http::ListReader list(fields[i].value); const auto option = list.next();)
      if (http::equals_ignoring_case(*option, name)) return true;
  }
  return false;
}

class FakeClient final : public Client {
 public:
  FakeClient(const http::Request& request, EventLoop& loop) : request_(request), loop_(loop) {
    connection_.peer_family = AF_INET;
    connection_.peer_host[0] = 192;
  }
  const http::Request& request() const override { return request_; }
  Answer& answer() override { return answer_; }
  bool is_local() const override { return false; }
  const ipc::ConnectionInfo& connection() const override { return connection_; }
  const config::Listener& listener() const override { return listener_; }
  Time began() const override { return {}; }
  EventLoop& loop() override { return loop_; }
  void accept_body() override {}
  void begin_tunnel() override {}
  void resume() override {}
  void abort() override {}

 private:
  const http::Request& request_;
  EventLoop& loop_;
  Http1Answer answer_;
  ipc::ConnectionInfo connection_{};
  config::Listener listener_;
};

// Only the head is written.
class NoOutlet final : public Outlet {
 public:
  std::size_t send_with(std::string_view /*more*/) override { return 0; }
  std::size_t send_from(Pipe& /*pipe*/) override { return 0; }
};

// What stays the same for all inputs.
struct World {
  World() : configuration(make_configuration()) {}

  static config::Configuration make_configuration() {
    config::Configuration configuration;
    configuration.listeners = {{.name = "web"}};
    configuration.upstreams = {{.name = "site"}};
    configuration.routes = {{.name = "site", .upstream = "site"}};
    return configuration;
  }

  std::unique_ptr<EventLoop> loop = EventLoop::create().value();
  DeadlineQueue deadlines{Time{}};
  std::unique_ptr<ipc::Slot> slot = std::make_unique<ipc::Slot>();
  config::Configuration configuration;
  upstream::Cluster cluster{
      {.loop = *loop, .deadlines = deadlines, .slot = *slot, .config = configuration.upstreams[0]}};
  upstream::Endpoint endpoint{{.loop = *loop,
                               .deadlines = deadlines,
                               .traffic = slot->endpoints[0],
                               .config = configuration.upstreams[0]},
                              1,
                              {.address = Address::loopback(1), .name = "127.0.0.1:1"},
                              false};
  PreparedRoute route{configuration.routes[0], configuration};
  std::mt19937_64 random{1};
};

// Those of `fields` that are for the other end, in their order, one to a line.
std::string theirs(const http::FieldTable& fields, const http::FieldTable& came) {
  std::string lines;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const http::Field field = fields[i];
    const bool ends_here = is_among(kNotTheirs, field.name) || field.name.contains('_') ||
                           is_named_by_connection(came, field.name) ||
                           http::equals_ignoring_case(field.name, "Via") ||
                           http::equals_ignoring_case(field.name, "traceparent") ||
                           http::equals_ignoring_case(field.name, "Date");
    if (!ends_here) lines.append(field.name).append(": ").append(field.value).append("\n");
  }
  return lines;
}

void check_nothing_of_one_hop(const http::FieldTable& fields, const http::FieldTable& came,
                              bool upgrade) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string_view name = fields[i].name;
    const bool ours = is_among(kNotTheirs, name) || http::equals_ignoring_case(name, "Via") ||
                      http::equals_ignoring_case(name, "traceparent");
    CHECK(ours || !is_named_by_connection(came, name));
    if (!upgrade) CHECK(!is_among(kOfOneHop, name));
  }
}

std::string target_of(const http::Request& request) {
  std::string target(request.path);
  if (request.query) target.append("?").append(*request.query);
  return target;
}

void check_request(const http::Request& request, ForwardedRequest& source) {
  std::array<char, 32768> out;
  std::size_t size = 0;
  CHECK(source.write_request(out, size) == http::HeadWriter::Outcome::kOk);
  http::Request again(kWider.fields);
  http::RequestParser parser(kWider);
  parser.start();
  CHECK(parser.parse({out.data(), size}, again) == http::Parse::kDone);
  CHECK(again.head_size == size && again.version == http::Version::kHttp11);
  CHECK(again.method_name == request.method_name && target_of(again) == target_of(request));
  CHECK(again.form != http::TargetForm::kAbsolute);
  CHECK(again.authority == (request.authority.empty() ? "site" : request.authority));
  CHECK(again.body.framing == request.body.framing && again.body.bytes == request.body.bytes);
  CHECK(!again.expect_continue && again.keep_alive);
  CHECK(again.fields.find("X-Forwarded-For") == "192.0.0.0");
  CHECK(theirs(again.fields, request.fields) == theirs(request.fields, request.fields));
  check_nothing_of_one_hop(again.fields, request.fields, source.is_upgrade());
}

void check_answer(const http::Response& response, ForwardedRequest& source,
                  const http::Request& request, upstream::Endpoint& endpoint) {
  Buffer buffer(65536);
  Http1Answer answer;
  NoOutlet outlet;
  answer.start(buffer, outlet, request, false, kDate);
  http::HeadWriter& head = answer.begin_forwarded(response.status);
  source.write_response(response, endpoint, head);
  http::BodyLength length = response.body;
  if (length.framing == http::Framing::kUntilClose) length = {http::Framing::kChunked, 0};
  CHECK(answer.begin_body(length));
  http::Response again(kWider.fields);
  http::ResponseParser parser(kWider);
  parser.start(request.method);
  CHECK(parser.parse(buffer.bytes(), again) == http::Parse::kDone);
  CHECK(again.head_size == buffer.bytes().size() && again.status == response.status);
  CHECK(again.body.framing == length.framing && again.body.bytes == length.bytes);
  CHECK(again.keep_alive);
  check_nothing_of_one_hop(again.fields, response.fields, false);
  // As trailers, those with an id are refused before this is asked.
  for (std::size_t i = 0; i < response.fields.size(); ++i) {
    const http::Field field = response.fields[i];
    if (field.id != http::FieldId::kOther || !source.passes_answer_trailer(field)) continue;
    CHECK(!is_among(kOfOneHop, field.name));
    CHECK(!is_named_by_connection(response.fields, field.name) ||
          response.body.framing != http::Framing::kChunked);
  }
}

void try_request(World& world, std::string_view bytes) {
  http::Request request(kLimits.fields);
  http::RequestParser parser(kLimits);
  parser.start();
  if (parser.parse(bytes, request) != http::Parse::kDone) return;
  if (request.method == http::Method::kConnect || http::HopByHop(request.fields).too_many()) return;
  FakeClient client(request, *world.loop);
  const RequestFacts facts{.request = request,
                           .client = Address::ipv4(0xc0000000, 0),
                           .peer_is_trusted = false,
                           .scheme = "http",
                           .id = {},
                           .listener = "web",
                           .route = "site",
                           .upstream = "site",
                           .endpoint = {}};
  ForwardedRequest source({.client = client,
                           .slot = *world.slot,
                           .loop = *world.loop,
                           .route = world.route,
                           .row = 0,
                           .path = {},
                           .cluster = world.cluster,
                           .random = world.random},
                          facts);
  check_request(request, source);
  http::Response response(kLimits.fields);
  http::ResponseParser answers(kLimits);
  answers.start(request.method);
  const std::string_view rest = bytes.substr(request.head_size);
  if (request.method == http::Method::kHead || request.version == http::Version::kHttp10) return;
  if (!request.keep_alive || answers.parse(rest, response) != http::Parse::kDone) return;
  if (response.status >= 200 && response.status != 204 && response.status != 304)
    check_answer(response, source, request, world.endpoint);
}

}  // namespace
}  // namespace roundhouse::proxy

// A request, and behind it its answer.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static roundhouse::proxy::World world;
  roundhouse::proxy::try_request(world, {reinterpret_cast<const char*>(data), size});
  return 0;
}
