// Every row of src/http/failure.cc is caused: by a case of the tables in tests/conformance, by a
// test here, or by a unit test that is named here.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/table.h"
#include "http/failure.h"
#include "http/http1_response_parser.h"
#include "support/instance.h"
#include "support/origin.h"
#include "support/proxied.h"

namespace roundhouse::test {
namespace {

using http::Failure;
using Reply = Origin::Reply;
using Seen = Origin::Seen;
using Then = Origin::Then;

// In front of one server.
struct World {
  explicit World(const Address& server, const std::string& more = "",
                 const std::string& listener = "")
      : instance(kOneProxy, upstream_at({server}, ", retries: {attempts: 0}" + more),
                 {.listener = listener}) {}
  Instance instance;
};

std::string answer_owed(Failure failure) {
  return ": " + std::string(http::row_of(failure).text) + "\n";
}

void expect_counted(const Instance& instance, Failure failure, int times = 1) {
  const std::string name(http::row_of(failure).name);
  EXPECT_TRUE(
      instance.metric_reaches("roundhouse_http_failures_total{failure=\"" + name + "\"}", times));
}

void expect_answer(const Instance& instance, const Response& response, Failure failure) {
  EXPECT_EQ(response.status, http::row_of(failure).status);
  EXPECT_TRUE(response.body.ends_with(answer_owed(failure))) << response.body;
  expect_counted(instance, failure);
}

Reply silence(const Seen&) { return {}; }

void cause_head_timeout() {
  const Origin origin("x");
  const World world(origin.address(), "", "timeouts: {header: 100ms}");
  Client client(world.instance.web());
  client.send("GET / HTTP/1.1\r\nHo");
  expect_answer(world.instance, client.receive(), Failure::kHeadTimeout);
}

void cause_body_timeout() {
  const Origin origin("x");
  const World world(origin.address(), "", "timeouts: {body_idle: 100ms}");
  Client client(world.instance.web());
  client.send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\nab");
  expect_answer(world.instance, client.receive(), Failure::kBodyTimeout);
  EXPECT_TRUE(origin.seen().empty());
}

void cause_connect_failed() {
  Origin origin("x");
  const World world(origin.address());
  origin.stop();
  expect_answer(world.instance, get(world.instance.web()), Failure::kConnectFailed);
}

// A server whose queue of new connections is full: the kernel drops what comes.
class FullServer {
 public:
  FullServer() : listening_(open()) {
    EXPECT_EQ(::bind(listening_.get(), address_.data(), address_.size()), 0);
    EXPECT_EQ(::listen(listening_.get(), 0), 0);
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    ::getsockname(listening_.get(), reinterpret_cast<sockaddr*>(&bound), &size);
    address_ = Address(reinterpret_cast<sockaddr*>(&bound), size);
    for (int i = 0; i < 4; ++i) {
      waiting_.push_back(open());
      ::connect(waiting_.back().get(), address_.data(), address_.size());
    }
  }
  const Address& address() const { return address_; }

 private:
  static UniqueFd open() {
    return UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  }

  UniqueFd listening_;
  Address address_ = Address::loopback(0);
  std::vector<UniqueFd> waiting_;
};

void cause_connect_timeout() {
  const FullServer server;
  const World world(server.address(), ", timeouts: {connect: 100ms}");
  expect_answer(world.instance, get(world.instance.web()), Failure::kConnectTimeout);
}

void cause_queue_full() {
  const Origin origin(silence);
  const World world(origin.address(), ", max_connections: 1, queue: {depth: 0}");
  Client first(world.instance.web());
  first.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return !origin.seen().empty(); }));
  expect_answer(world.instance, get(world.instance.web()), Failure::kQueueFull);
}

void cause_queue_timeout() {
  const Origin origin(silence);
  const World world(origin.address(), ", max_connections: 1, queue: {depth: 1, timeout: 100ms}");
  Client first(world.instance.web());
  first.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return !origin.seen().empty(); }));
  expect_answer(world.instance, get(world.instance.web()), Failure::kQueueTimeout);
}

// Once a part of the answer has been passed on, no status can say it: the connection is reset.
void cause_truncated_body() {
  const Origin origin([](const Seen&) {
    return Reply{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", .then = Then::kClose};
  });
  const World world(origin.address());
  EXPECT_FALSE(get(world.instance.web()).complete);
  expect_counted(world.instance, Failure::kTruncatedBody);
}

void cause_response_stalled() {
  const Origin origin(
      [](const Seen&) { return Reply{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"}; });
  const World world(origin.address(), ", timeouts: {idle: 100ms}");
  EXPECT_FALSE(get(world.instance.web()).complete);
  expect_counted(world.instance, Failure::kResponseStalled);
}

// The server's connection is let go at once, whether the client leaves with an end or a reset.
void cause_client_gone() {
  const Origin origin(silence);
  const World world(origin.address());
  const std::string open = "roundhouse_upstream_connections_active{upstream=\"site\",endpoint=\"" +
                           origin.address().to_string() + "\"}";
  for (const bool reset : {false, true}) {
    const std::size_t before = origin.seen().size();
    {
      Client client(world.instance.web());
      client.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
      ASSERT_TRUE(eventually([&] { return origin.seen().size() > before; }));
      if (reset) client.reset();
    }
    EXPECT_TRUE(eventually([&] { return world.instance.metric(open) == 0; })) << reset;
  }
  expect_counted(world.instance, Failure::kClientGone, 2);
}

void cause_client_stalled() {
  const Origin origin(std::string(50'000'000, 'x'));
  const World world(origin.address(), "", "timeouts: {body_idle: 100ms}");
  Client client(world.instance.web());
  client.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  expect_counted(world.instance, Failure::kClientStalled);
}

void cause_too_many_connections() {
  const Origin origin("x");
  const World world(origin.address(), "", "connections_per_address: 1");
  Client first(world.instance.web());
  EXPECT_EQ(first.get("/").status, 200);
  expect_answer(world.instance, get(world.instance.web()), Failure::kTooManyConnections);
}

void cause_rate_limited() {
  const Origin origin("x");
  const Instance instance(kOneProxy,
                          upstream_of({&origin}) + "routes: [{rate_limit: 1/h, upstream: site}]\n");
  EXPECT_EQ(get(instance.web()).status, 200);
  expect_answer(instance, get(instance.web()), Failure::kRateLimited);
}

void cause_no_route() {
  const Origin origin("x");
  const Instance instance(kOneProxy,
                          upstream_of({&origin}) + "routes: [{host: here, upstream: site}]\n");
  expect_answer(instance, get(instance.web()), Failure::kNoRoute);
}

void cause_not_allowed() {
  const Origin origin("x");
  const Instance instance(
      kOneProxy, upstream_of({&origin}) + "routes: [{allow: [192.0.2.0/24], upstream: site}]\n");
  expect_answer(instance, get(instance.web()), Failure::kNotAllowed);
  EXPECT_TRUE(origin.seen().empty());
}

// To the client it is kBadResponse, like everything else that is wrong with an answer's head.
void cause_bad_status_line() {
  http::ResponseParser parser({});
  http::Response response(8);
  parser.start(http::Method::kGet);
  EXPECT_EQ(parser.parse("nonsense\r\n\r\n", response), http::Parse::kFailed);
  EXPECT_EQ(parser.failure(), Failure::kBadStatusLine);
}

struct Cause {
  Failure failure;
  void (*cause)();
};

constexpr Cause kCauses[] = {
    {Failure::kHeadTimeout, cause_head_timeout},
    {Failure::kBodyTimeout, cause_body_timeout},
    {Failure::kNoRoute, cause_no_route},
    {Failure::kNotAllowed, cause_not_allowed},
    {Failure::kBadStatusLine, cause_bad_status_line},
    {Failure::kTruncatedBody, cause_truncated_body},
    {Failure::kConnectFailed, cause_connect_failed},
    {Failure::kConnectTimeout, cause_connect_timeout},
    {Failure::kResponseStalled, cause_response_stalled},
    {Failure::kQueueFull, cause_queue_full},
    {Failure::kQueueTimeout, cause_queue_timeout},
    {Failure::kClientGone, cause_client_gone},
    {Failure::kClientStalled, cause_client_stalled},
    {Failure::kTooManyConnections, cause_too_many_connections},
    {Failure::kRateLimited, cause_rate_limited},
};

// Caused by other tests.
constexpr std::pair<Failure, std::string_view> kElsewhere[] = {
    {Failure::kNoEndpoint, "tests/unit/upstream/cluster_test.cc"},
    {Failure::kUpstreamTls, "tests/integration/upstream_tls_test.cc"},
    {Failure::kStreamRefused, "tests/integration/http2_upstream_test.cc"},
    {Failure::kPlainHttp, "tests/integration/tls_test.cc"},
};

class CausedFailure : public testing::TestWithParam<Cause> {};

TEST_P(CausedFailure, IsSeenByWhomItConcerns) { GetParam().cause(); }

INSTANTIATE_TEST_SUITE_P(Failures, CausedFailure, testing::ValuesIn(kCauses), [](const auto& info) {
  return std::string(http::row_of(info.param.failure).name);
});

TEST(Failures, EachRowIsCausedOnce) {
  std::map<std::string_view, int> causes;
  const std::vector<conformance::Case> requests = conformance::requests();
  const std::vector<conformance::Case> responses = conformance::responses();
  for (const conformance::Case& one : requests) ++causes[one.cause];
  for (const conformance::Case& one : responses) ++causes[one.cause];
  causes.erase("");
  for (const Cause& one : kCauses) ++causes[http::row_of(one.failure).name];
  for (const auto& [failure, test] : kElsewhere) ++causes[http::row_of(failure).name];
  for (std::size_t i = 1; i < http::kFailureCount; ++i) {
    const std::string_view name = http::row_of(static_cast<Failure>(i)).name;
    EXPECT_EQ(causes[name], 1) << name;
    causes.erase(name);
  }
  for (const auto& [name, count] : causes) ADD_FAILURE() << name << " is no row";
}

}  // namespace
}  // namespace roundhouse::test
