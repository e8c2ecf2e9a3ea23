// HTTP/2 with clients, of the real program: requests and answers.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/bodies.h"
#include "support/certificate_files.h"
#include "support/client.h"
#include "support/http2_client.h"
#include "support/instance.h"
#include "support/origin.h"
#include "support/proxied.h"

namespace roundhouse::test {
namespace {

using Reply = Origin::Reply;
using Seen = Origin::Seen;
using Then = Origin::Then;
using Fields = Http2Client::Fields;

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

double counted(const Instance& instance, const std::string& name, const std::string& more = "") {
  return instance.metric("roundhouse_http2_" + name + "{listener=\"web\"" + more + "}");
}

TEST(Http2, IsSpokenWithPriorKnowledge) {
  const Instance instance("hello: {workers: 1}");
  Http2Client client(instance.web());
  const auto id = client.get("/");
  const auto& answer = client.wait(id);
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.body.starts_with("hello world")) << answer.body;
  EXPECT_EQ(answer.headers.at("content-length"), std::to_string(answer.body.size()));
  EXPECT_TRUE(answer.headers.contains("date"));
  EXPECT_FALSE(answer.headers.contains("connection"));
  EXPECT_TRUE(instance.metric_reaches("roundhouse_http2_streams_total{listener=\"web\"}", 1));
  EXPECT_EQ(counted(instance, "connections_total"), 1);
}

TEST(Http2, ManyRequestsShareAConnection) {
  const Instance instance("hello: {workers: 1}");
  Http2Client client(instance.web());
  std::vector<Http2Client::Id> ids;
  for (int i = 0; i < 100; ++i) ids.push_back(client.get("/" + std::to_string(i)));
  for (const auto id : ids) EXPECT_EQ(client.wait(id).status, 200);
  EXPECT_TRUE(instance.metric_reaches("roundhouse_http2_streams_total{listener=\"web\"}", 100));
  EXPECT_EQ(counted(instance, "connections_total"), 1);
}

TEST(Http2, ThePrefaceMayComeInPieces) {
  const Instance instance("hello: {workers: 1}");
  Client client(instance.web());
  const std::string preface(http::kHttp2Preface);
  for (const char c : preface) ASSERT_TRUE(client.send(std::string(1, c)));
  ASSERT_TRUE(client.send(std::string("\0\0\0\4\0\0\0\0\0", 9)));
  std::string settings(9, '\0');
  ASSERT_EQ(::recv(client.fd(), settings.data(), settings.size(), MSG_WAITALL), 9);
  EXPECT_EQ(settings[3], 4) << "our SETTINGS";
}

TEST(Http2, OtherMethodsThatBeginLikeThePrefaceAreHttp1) {
  const Instance instance("hello: {workers: 1}");
  EXPECT_EQ(Client(instance.web()).request("PUT", "/").status, 200);
  Client client(instance.web());
  client.send("PRI / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.receive().status, 200);
}

TEST(Http2, MayBeSwitchedOff) {
  const Instance instance("hello: {workers: 1}", "", {.listener = "http2: false"});
  Client client(instance.web());
  client.send(http::kHttp2Preface);
  EXPECT_EQ(client.receive().status, 505);
  EXPECT_EQ(instance.metric("roundhouse_http2_streams_total{listener=\"web\"}"), -1);
}

class Http2Tls : public testing::Test {
 protected:
  const CertificateFiles files{make_certificate({.names = {"a.test"}, .subject = "a"})};
};

TEST_F(Http2Tls, IsChosenByAlpn) {
  const Instance instance("hello: {workers: 1}", "", {.listener = files.tls()});
  Http2Client client(instance.web(), TlsClient::Options{.server_name = "a.test"});
  ASSERT_TRUE(client.connected());
  EXPECT_EQ(client.wait(client.get("/")).status, 200);
  TlsClient both(instance.web(), {.alpn = "\x08http/1.1\x02h2"});
  ASSERT_TRUE(both.shake_hands());
  EXPECT_EQ(both.protocol(), "h2") << "ours is the order";
  TlsClient older(instance.web(), {.alpn = "\x08http/1.1"});
  ASSERT_TRUE(older.shake_hands());
  EXPECT_EQ(older.protocol(), "http/1.1");
  TlsClient none(instance.web(), {});
  ASSERT_TRUE(none.shake_hands());
  ASSERT_TRUE(none.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"));
  EXPECT_TRUE(none.receive_until("pid").starts_with("HTTP/1.1 200"));
}

TEST_F(Http2Tls, WithoutItOnlyHttp1IsChosen) {
  const Instance instance("hello: {workers: 1}", "", {.listener = "http2: false, " + files.tls()});
  TlsClient client(instance.web(), {.alpn = "\x02h2\x08http/1.1"});
  ASSERT_TRUE(client.shake_hands());
  EXPECT_EQ(client.protocol(), "http/1.1");
}

TEST_F(Http2Tls, LargeAnswersAndBodiesComeWhole) {
  const std::string body = distinct(3'000'000);
  const Origin origin([&](const Seen& seen) {
    return Reply{.bytes = ok(seen.body.empty() ? body : std::to_string(seen.body == body))};
  });
  const Instance instance(kOneProxy, upstream_of({&origin}), {.listener = files.tls()});
  Http2Client client(instance.web(), TlsClient::Options{});
  std::vector<Http2Client::Id> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(client.get("/"));
  for (const auto id : ids) EXPECT_TRUE(client.wait(id).body == body);
  const auto up = client.request("POST", "/", {{"content-length", "3000000"}}, false);
  EXPECT_TRUE(client.write(up, body, true));
  EXPECT_EQ(client.wait(up).body, "1");
}

// Their last pieces go out after the answers are done.
TEST(Http2, StreamsThatEndInOrderCountAsResetByNobody) {
  const Origin origin(distinct(20000));
  const Instance instance(kOneProxy, upstream_of({&origin}));
  Http2Client client(instance.web());
  for (int round = 0; round < 5; ++round) {
    std::vector<Http2Client::Id> ids;
    for (int i = 0; i < 100; ++i) ids.push_back(client.get("/"));
    for (const auto id : ids) EXPECT_EQ(client.wait(id).body.size(), 20000U);
  }
  EXPECT_EQ(counted(instance, "streams_total"), 500);
  EXPECT_EQ(counted(instance, "stream_resets_total", ",reason=\"client\""), 0);
  EXPECT_EQ(counted(instance, "stream_resets_total", ",reason=\"server\""), 0);
}

TEST(Http2Proxy, ARequestBecomesOneOfHttp1) {
  const Origin origin("hello");
  const Instance instance(kOneProxy, upstream_of({&origin}));
  Http2Client client(instance.web());
  const auto id = client.request("GET", "/path?query",
                                 {{"cookie", "a=1"},
                                  {"accept", "text/html"},
                                  {"cookie", "b=2"},
                                  {"te", "trailers"},
                                  {"x-forwarded-for", "6.6.6.6"}});
  const auto& answer = client.wait(id);
  EXPECT_EQ(answer.body, "hello");
  EXPECT_EQ(answer.headers.at("via"), "1.1 roundhouse");
  const std::string head = origin.seen().at(0).head;
  EXPECT_TRUE(head.starts_with("GET /path?query HTTP/1.1\r\nHost: a.test\r\n")) << head;
  EXPECT_TRUE(holds(head, "a=1; b=2\r\n")) << head;
  EXPECT_TRUE(holds(head, "accept: text/html\r\n")) << head;
  EXPECT_TRUE(holds(head, "X-Forwarded-For: 127.0.0.1\r\n")) << head;
  EXPECT_FALSE(holds(head, "6.6.6.6")) << head;
  EXPECT_TRUE(holds(head, "Via: 2 roundhouse\r\n")) << head;
  EXPECT_FALSE(holds(head, "te:")) << head;
  EXPECT_FALSE(holds(head, "Transfer-Encoding")) << head;
}

TEST(Http2Proxy, BodiesOfUnknownLengthGoOnInChunksWithTheirTrailers) {
  const Origin origin([](const Seen&) {
    return Reply{.bytes =
                     "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n" +
                     chunk("answer") + "0\r\nX-Sum: 6\r\n\r\n"};
  });
  const Instance instance(kOneProxy, upstream_of({&origin}));
  Http2Client client(instance.web());
  const auto id = client.request("POST", "/", {}, false);
  ASSERT_TRUE(client.write(id, "some "));
  ASSERT_TRUE(client.write(id, "body"));
  client.end(id, {{"x-hash", "7"}});
  const auto& answer = client.wait(id);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "answer");
  EXPECT_EQ(answer.trailers.at("x-sum"), "6");
  const Seen seen = origin.seen().at(0);
  EXPECT_TRUE(holds(seen.head, "Transfer-Encoding: chunked\r\n")) << seen.head;
  EXPECT_TRUE(holds(seen.body, "x-hash: 7\r\n")) << seen.body;
}

TEST(Http2Proxy, AnswersWithoutABodyHaveNone) {
  const Origin origin([](const Seen& seen) {
    if (seen.head.starts_with("HEAD"))
      return Reply{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n"};
    if (holds(seen.head, " /empty ")) return Reply{.bytes = ok("")};
    return Reply{.bytes = holds(seen.head, " /204 ")
                              ? "HTTP/1.1 204 No Content\r\n\r\n"
                              : "HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n"};
  });
  const Instance instance(kOneProxy, upstream_of({&origin}));
  Http2Client client(instance.web());
  const auto& head = client.wait(client.request("HEAD", "/"));
  EXPECT_EQ(head.headers.at("content-length"), "30");
  EXPECT_TRUE(head.ended && head.body.empty());
  EXPECT_EQ(client.wait(client.get("/204")).status, 204);
  EXPECT_EQ(client.wait(client.get("/304")).status, 304);
  const auto& empty = client.wait(client.get("/empty"));
  EXPECT_TRUE(empty.status == 200 && empty.ended && empty.body.empty());
}

TEST(Http2Proxy, InterimAnswersComeThrough) {
  const Origin origin([](const Seen&) {
    return Reply{.bytes = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + ok("late")};
  });
  const Instance instance(kOneProxy, upstream_of({&origin}));
  Http2Client client(instance.web());
  const auto& answer = client.wait(client.get("/"));
  EXPECT_EQ(answer.interim, std::vector<int>{103});
  EXPECT_EQ(answer.body, "late");
}

TEST(Http2Proxy, WhoWaitsFor100GetsIt) {
  const Origin origin([](const Seen& seen) { return Reply{.bytes = ok(seen.body)}; });
  const Instance instance(kOneProxy, upstream_of({&origin}));
  Http2Client client(instance.web());
  const auto id =
      client.request("PUT", "/", {{"expect", "100-continue"}, {"content-length", "4"}}, false);
  ASSERT_TRUE(client.until([&] { return !client.answer(id).interim.empty(); }));
  EXPECT_EQ(client.answer(id).interim, std::vector<int>{100});
  ASSERT_TRUE(client.write(id, "body", true));
  EXPECT_EQ(client.wait(id).body, "body");
}

TEST(Http2Proxy, AnAnswerThatBreaksOffResetsItsStreamAlone) {
  const Origin origin([](const Seen& seen) {
    if (holds(seen.head, " /cut "))
      return Reply{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
                   .then = Then::kReset};
    return Reply{.bytes = ok("whole")};
  });
  const Instance instance(kOneProxy, upstream_of({&origin}));
  Http2Client client(instance.web());
  const auto& cut = client.wait(client.get("/cut"));
  EXPECT_TRUE(cut.closed && !cut.ended);
  EXPECT_EQ(cut.error, http::Http2Error::kInternal);
  EXPECT_EQ(client.wait(client.get("/")).body, "whole");
  EXPECT_TRUE(instance.metric_reaches(
      "roundhouse_http2_stream_resets_total{listener=\"web\",reason=\"server\"}", 1));
}

}  // namespace
}  // namespace roundhouse::test
