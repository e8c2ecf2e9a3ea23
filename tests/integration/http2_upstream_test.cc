// HTTP/2 to upstreams, of the real program.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/bodies.h"
#include "support/certificate_files.h"
#include "support/client.h"
#include "support/http2_client.h"
#include "support/http2_origin.h"
#include "support/instance.h"
#include "support/operated.h"
#include "support/origin.h"
#include "support/proxied.h"

namespace roundhouse::test {
namespace {

using http::Http2Error;
using Reply = Http2Origin::Reply;
using Seen = Http2Origin::Seen;
using Then = Http2Origin::Then;

const std::string kH2 = ", protocol: h2";

double counted(const Instance& instance, const std::string& name) {
  return instance.metric("roundhouse_http_failures_total{failure=\"" + name + "\"}");
}

Reply hello(const Seen&) { return {.body = "hello"}; }

TEST(Http2Upstream, ARequestOfHttp1IsOneOfHttp2) {
  const Http2Origin origin([](const Seen&) {
    return Reply{.status = 201, .headers = {{"x-kind", "h2"}}, .body = "made"};
  });
  const Instance instance(kOneProxy, upstream_at({origin.address()}, kH2));
  Client client(instance.web());
  const Response response = client.request(
      "POST", "/path?query", "Cookie: a=1\r\nConnection: X-Hop\r\nX-Hop: 1\r\n", "body");
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.headers.at("x-kind"), "h2");
  EXPECT_EQ(response.headers.at("via"), "2 roundhouse");
  EXPECT_EQ(response.body, "made");
  const Seen seen = origin.seen().at(0);
  EXPECT_EQ(seen.method + " " + seen.scheme + " " + seen.path, "POST http /path?query");
  EXPECT_EQ(seen.authority, "localhost");
  EXPECT_EQ(seen.body, "body");
  EXPECT_EQ(seen.headers.at("content-length"), "4");
  EXPECT_EQ(seen.headers.at("x-forwarded-for"), "127.0.0.1");
  for (const char* name : {"connection", "host", "x-hop", "transfer-encoding", "te"})
    EXPECT_FALSE(seen.headers.contains(name)) << name;
}

TEST(Http2Upstream, RequestsOfManyClientsShareAConnection) {
  const Http2Origin origin(hello);
  const Instance instance(kOneProxy, upstream_at({origin.address()}, kH2));
  std::vector<Client> clients;
  for (int i = 0; i < 50; ++i) clients.emplace_back(instance.web());
  for (int turn = 0; turn < 3; ++turn) {
    for (Client& client : clients) client.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
    for (Client& client : clients) EXPECT_EQ(client.receive().body, "hello");
  }
  EXPECT_EQ(origin.connections(), 1u);
  EXPECT_EQ(origin.seen().size(), 150u);
}

TEST(Http2Upstream, WhatTheEndpointAllowsAtOnceIsKept) {
  const Http2Origin origin(hello, {.limits = {.streams = 5}});
  const Instance instance(kOneProxy, upstream_at({origin.address()}, kH2 + ", streams: 50"));
  EXPECT_EQ(get(instance.web()).body, "hello") << "the limit is known from now on";
  std::vector<Client> clients;
  for (int i = 0; i < 60; ++i) clients.emplace_back(instance.web());
  for (Client& client : clients) client.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  for (Client& client : clients) EXPECT_EQ(client.receive().body, "hello");
  EXPECT_LE(origin.most_streams(), 5u);
}

TEST(Http2Upstream, GrpcGoesThroughBothWays) {
  const Http2Origin origin([](const Seen& seen) {
    return Reply{.headers = {{"content-type", "application/grpc"}},
                 .body = "answer to " + seen.body,
                 .trailers = {{"grpc-status", "0"}, {"grpc-message", "fine"}}};
  });
  const Instance instance(kOneProxy, upstream_at({origin.address()}, kH2));
  Http2Client client(instance.web());
  const auto call =
      client.request("POST", "/pkg.Service/Method",
                     {{"content-type", "application/grpc"}, {"te", "trailers"}}, false);
  ASSERT_TRUE(client.write(call, "first "));
  ASSERT_TRUE(client.write(call, "second"));
  client.end(call, {{"x-checksum", "12"}});
  const auto& answer = client.wait(call);
  EXPECT_EQ(answer.body, "answer to first second");
  EXPECT_EQ(answer.trailers.at("grpc-status"), "0");
  EXPECT_EQ(answer.trailers.at("grpc-message"), "fine");
  const Seen seen = origin.seen().at(0);
  EXPECT_EQ(seen.headers.at("te"), "trailers");
  EXPECT_EQ(seen.trailers.at("x-checksum"), "12");
}

TEST(Http2Upstream, AnErrorOfGrpcIsAHeadAlone) {
  const Http2Origin origin([](const Seen&) {
    return Reply{.headers = {{"content-type", "application/grpc"}, {"grpc-status", "5"}}};
  });
  const Instance instance(kOneProxy, upstream_at({origin.address()}, kH2));
  Http2Client client(instance.web());
  const auto& answer = client.wait(client.request("POST", "/", {{"te", "trailers"}}, true));
  EXPECT_EQ(answer.headers.at("grpc-status"), "5");
  EXPECT_TRUE(answer.ended && answer.body.empty());
}

TEST(Http2Upstream, TrailersBehindAKnownLengthReachHttp2) {
  const Http2Origin origin([](const Seen&) {
    return Reply{
        .headers = {{"content-length", "4"}}, .body = "body", .trailers = {{"x-sum", "4"}}};
  });
  const Instance instance(kOneProxy, upstream_at({origin.address()}, kH2));
  Http2Client client(instance.web());
  const auto& answer = client.wait(client.get("/"));
  EXPECT_EQ(answer.body, "body");
  EXPECT_EQ(answer.headers.at("content-length"), "4");
  EXPECT_EQ(answer.trailers.at("x-sum"), "4");
  EXPECT_EQ(get(instance.web()).body, "body") << "and HTTP/1.1 goes without";
}

TEST(Http2Upstream, TrailersTooLongToBeTakenBreakTheAnswerOff) {
  const Http2Origin origin([](const Seen& seen) {
    const std::size_t size = seen.path == "/long" ? 20'000 : 10;
    return Reply{.body = "body", .trailers = {{"x-sum", "4"}, {"x", std::string(size, 'x')}}};
  });
  const Instance instance(kOneProxy, upstream_at({origin.address()}, kH2));
  Http2Client client(instance.web());
  const auto& cut = client.wait(client.get("/long"));
  EXPECT_TRUE(cut.closed && !cut.ended && cut.trailers.empty());
  EXPECT_EQ(client.wait(client.get("/short")).trailers.size(), 2u);
  EXPECT_EQ(counted(instance, "truncated_body"), 1);
  EXPECT_EQ(origin.connections(), 1u);
}

TEST(Http2Upstream, InterimAnswersAndThoseWithoutBodies) {
  const Http2Origin origin([](const Seen& seen) {
    if (seen.method == "HEAD") return Reply{.headers = {{"content-length", "30"}}};
    if (seen.path == "/204") return Reply{.status = 204};
    return Reply{.body = "late", .interim = {103}};
  });
  const Instance instance(kOneProxy, upstream_at({origin.address()}, kH2));
  Http2Client client(instance.web());
  const auto& late = client.wait(client.get("/"));
  EXPECT_EQ(late.interim, std::vector<int>{103});
  EXPECT_EQ(late.body, "late");
  Client older(instance.web());
  older.send("HEAD / HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_EQ(older.receive(true).headers.at("content-length"), "30");
  EXPECT_EQ(older.get("/204").status, 204);
}

TEST(Http2Upstream, LargeBodiesGoBothWaysWholeInAnyWindow) {
  const std::string body = distinct(2'000'000);
  for (const std::uint32_t window : {1000U, 65535U, 1'000'000U}) {
    const Http2Origin origin([](const Seen& seen) { return Reply{.body = seen.body}; },
                             {.limits = {.stream_window = window, .session_window = 1024U * 1024}});
    const Instance instance(kOneProxy, upstream_at({origin.address()}, kH2));
    EXPECT_TRUE(Client(instance.web()).request("POST", "/", "", body).body == body) << window;
    Http2Client client(instance.web());
    const auto id = client.request("POST", "/", {}, false);
    EXPECT_TRUE(client.write(id, body, true));
    EXPECT_TRUE(client.wait(id).body == body) << window;
  }
}

TEST(Http2Upstream, AClientThatReadsNothingHoldsUpItsOwnStream) {
  const Http2Origin origin([](const Seen& seen) {
    return Reply{.body = seen.path == "/large" ? distinct(5'000'000) : "small"};
  });
  const Instance instance(kOneProxy, upstream_at({origin.address()}, kH2));
  Http2Client client(instance.web());
  const auto large = client.get("/large");
  client.hold(large);
  ASSERT_TRUE(client.until([&] { return client.answer(large).body.size() >= 65536; }));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(get(instance.web(), "/").body, "small");
  EXPECT_EQ(origin.connections(), 1u);
  client.release(large);
  EXPECT_TRUE(client.wait(large).body == distinct(5'000'000));
}

TEST(Http2Upstream, AConnectionThatGoesAwayCostsNoRequest) {
  const Http2Origin origin([](const Seen& seen) {
    return Reply{.body = "hello", .then = seen.number % 7 == 0 ? Then::kGoAway : Then::kKeep};
  });
  const Instance instance(kOneProxy, upstream_at({origin.address()}, kH2));
  Load load(8, [&] {
    return [client = std::make_shared<Client>(instance.web())] {
      return client->get("/").body == "hello";
    };
  });
  EXPECT_TRUE(load.asks(2000));
  EXPECT_EQ(load.failed(), 0);
  EXPECT_GT(origin.connections(), 50u);
  EXPECT_EQ(counted(instance, "stream_refused"), 0);
}

TEST(Http2Upstream, AStreamThatIsRefusedIsTriedAgain) {
  std::atomic<int> asked{0};
  const Http2Origin origin([&](const Seen&) {
    return asked++ % 2 == 0 ? Reply{.status = 0, .reset = Http2Error::kRefusedStream}
                            : Reply{.body = "hello"};
  });
  const Instance instance(kOneProxy, upstream_at({origin.address()}, kH2));
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(Client(instance.web()).request("POST", "/").body, "hello") << "not idempotent";
  EXPECT_EQ(origin.connections(), 1u);
}

TEST(Http2Upstream, OneThatRefusesAlwaysIsAnsweredFor) {
  const Http2Origin origin(
      [](const Seen&) { return Reply{.status = 0, .reset = Http2Error::kRefusedStream}; });
  const Instance instance(kOneProxy, upstream_at({origin.address()}, kH2));
  EXPECT_EQ(get(instance.web()).status, 502);
  EXPECT_EQ(counted(instance, "stream_refused"), 1);
  EXPECT_LT(origin.seen().size(), 10u);
}

TEST(Http2Upstream, ResetsBeforeAndWithinAnAnswer) {
  const Http2Origin origin([](const Seen& seen) {
    if (seen.path == "/before") return Reply{.status = 0, .reset = Http2Error::kInternal};
    return Reply{.headers = {{"content-length", "10"}},
                 .body = seen.path == "/within" ? "half" : "0123456789",
                 .reset = seen.path == "/within" ? Http2Error::kInternal : Http2Error::kNone};
  });
  const Instance instance(kOneProxy,
                          upstream_at({origin.address()}, kH2 + ", retries: {attempts: 0}"));
  Http2Client client(instance.web());
  EXPECT_EQ(client.wait(client.get("/before")).status, 502);
  const auto& within = client.wait(client.get("/within"));
  EXPECT_TRUE(within.closed && !within.ended);
  EXPECT_FALSE(get(instance.web(), "/within").complete);
  EXPECT_EQ(client.wait(client.get("/")).body, "0123456789");
  EXPECT_EQ(origin.connections(), 1u) << "streams end, not their connection";
}

TEST(Http2Upstream, AClientThatLeavesResetsItsStream) {
  const Http2Origin origin([](const Seen& seen) {
    return seen.path == "/never" ? Reply{.status = 0} : Reply{.body = "hello"};
  });
  const Instance instance(kOneProxy, upstream_at({origin.address()}, kH2));
  Http2Client client(instance.web());
  const auto never = client.get("/never");
  ASSERT_TRUE(eventually([&] { return origin.seen().size() == 1; }));
  client.reset(never, Http2Error::kCancel);
  EXPECT_EQ(client.wait(client.get("/")).body, "hello");
  EXPECT_TRUE(eventually([&] { return origin.resets() == 1; }));
  EXPECT_EQ(origin.connections(), 1u);
}

TEST(Http2Upstream, AnAnswerThatDoesNotComeInTimeResetsItsStream) {
  const Http2Origin origin([](const Seen& seen) {
    return seen.path == "/never" ? Reply{.status = 0} : Reply{.body = "hello"};
  });
  const Instance instance(kOneProxy,
                          upstream_at({origin.address()}, kH2 + ", timeouts: {response: 200ms}"));
  EXPECT_EQ(get(instance.web(), "/never").status, 504);
  EXPECT_EQ(get(instance.web(), "/").body, "hello");
  EXPECT_TRUE(eventually([&] { return origin.resets() >= 1; }));
  EXPECT_EQ(origin.connections(), 1u);
}

TEST(Http2Upstream, AnAnswerBeforeTheBodyIsWholeIsPassedOn) {
  const Http2Origin origin([](const Seen&) { return Reply{.status = 413, .body = "too much"}; },
                           {.at_head = true});
  const Instance instance(kOneProxy, upstream_at({origin.address()}, kH2));
  Http2Client client(instance.web());
  const auto id = client.request("POST", "/", {{"content-length", "1000000"}}, false);
  client.offer(id, std::string(10000, 'x'));
  const auto& answer = client.wait(id);
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.body, "too much");
  EXPECT_EQ(answer.error, Http2Error::kNone);
  EXPECT_EQ(get(instance.web()).status, 413);
}

TEST(Http2Upstream, AConnectionThatBreaksIsReplaced) {
  std::atomic<int> asked{0};
  const Http2Origin origin([&](const Seen&) {
    return asked++ == 1 ? Reply{.status = 0, .then = Then::kClose} : Reply{.body = "hello"};
  });
  const Instance instance(kOneProxy, upstream_at({origin.address()}, kH2));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(get(instance.web()).body, "hello");
  EXPECT_EQ(origin.connections(), 2u);
}

TEST(Http2Upstream, NonsenseEndsTheConnectionAndIsToldOf) {
  const Http2Origin origin([](const Seen&) {
    return Reply{.status = 0, .raw = std::string("\0\0\1\4\0\0\0\0\0x", 10)};  // SETTINGS of 1 byte
  });
  const Instance instance(kOneProxy, upstream_at({origin.address()}, kH2));
  EXPECT_EQ(get(instance.web()).status, 502);
  EXPECT_EQ(get(instance.web()).status, 502);
  EXPECT_GE(origin.connections(), 2u);
}

TEST(Http2Upstream, WhoSpeaksHttp1IsNotUnderstood) {
  const Origin origin("hello");
  const Instance instance(kOneProxy, upstream_of({&origin}, kH2));
  EXPECT_EQ(get(instance.web()).status, 502);
}

// Behind it, a program of ours under TLS, which speaks both.
class Http2UpstreamTls : public testing::Test {
 protected:
  Http2UpstreamTls() : behind_("hello: {workers: 1}", "", {.listener = files_.tls()}) {}

  std::string upstream(const std::string& more) const {
    return upstream_at({behind_.web()}, ", tls: {verify: false}" + more);
  }
  double streams() const {
    return behind_.metric("roundhouse_http2_streams_total{listener=\"web\"}");
  }

  const CertificateFiles files_{make_certificate({.names = {"127.0.0.1"}})};
  Instance behind_;
};

TEST_F(Http2UpstreamTls, IsChosenByAlpn) {
  const Instance instance(kOneProxy, upstream(""));
  std::vector<Client> clients;
  for (int i = 0; i < 30; ++i) clients.emplace_back(instance.web());
  for (Client& client : clients) client.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  for (Client& client : clients) EXPECT_EQ(client.receive().status, 200);
  EXPECT_TRUE(behind_.metric_reaches("roundhouse_http2_streams_total{listener=\"web\"}", 30));
  EXPECT_EQ(behind_.metric("roundhouse_http2_connections_total{listener=\"web\"}"), 1)
      << "the others have waited for the first";
}

TEST_F(Http2UpstreamTls, MayBeSwitchedOff) {
  const Instance instance(kOneProxy, upstream(", protocol: http/1.1"));
  EXPECT_EQ(get(instance.web()).status, 200);
  EXPECT_EQ(streams(), 0);
}

TEST_F(Http2UpstreamTls, AnEndpointWithoutItIsRefusedWhereItMustSpeakIt) {
  const Instance older("hello: {workers: 1}", "", {.listener = "http2: false, " + files_.tls()});
  Instance instance(kOneProxy, upstream_at({older.web()}, ", tls: {verify: false}" + kH2));
  EXPECT_EQ(get(instance.web()).status, 502);
  EXPECT_TRUE(instance.process().prints("no application protocol")) << instance.process().output();
  const Instance either(kOneProxy, upstream_at({older.web()}, ", tls: {verify: false}"));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(get(either.web()).status, 200);
}

TEST_F(Http2UpstreamTls, ReloadsAndRestartsOnBothSidesLoseNothing) {
  const Instance instance(kTwoProxies, upstream(""));
  ASSERT_TRUE(instance.all_ready("gateway", 2));
  Load load(6, [&] {
    return [client = std::make_shared<std::unique_ptr<Client>>(), &instance] {
      if (*client == nullptr) *client = std::make_unique<Client>(instance.web());
      const Response response = (*client)->get("/");
      const auto connection = response.headers.find("connection");
      if (connection != response.headers.end() && connection->second == "close") client->reset();
      return response.status == 200;
    };
  });
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(operate(behind_, {"restart"}).ended.code, 0);
    EXPECT_EQ(operate(instance, {"restart"}).ended.code, 0);
  }
  EXPECT_TRUE(load.asks(10));
  EXPECT_EQ(load.failed(), 0);
}

}  // namespace
}  // namespace roundhouse::test
