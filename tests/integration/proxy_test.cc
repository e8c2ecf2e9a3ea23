// The reverse proxy: what reaches the server behind it, and what comes back.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/instance.h"
#include "support/origin.h"
#include "support/proxied.h"

namespace roundhouse::test {
namespace {

using Reply = Origin::Reply;
using Seen = Origin::Seen;
using Then = Origin::Then;

bool holds(const std::string& head, const std::string& line) {
  return head.find("\r\n" + line + "\r\n") != head.npos;
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(Proxy, ForwardsARequestAndItsAnswer) {
  const Origin origin([](const Seen&) {
    return Reply{.bytes = "HTTP/1.1 203 Maybe\r\nContent-Length: 5\r\nX-Kind: a\r\n\r\nhello"};
  });
  const Instance instance(kOneProxy, upstream_of({&origin}));
  const Response response = get(instance.web(), "/a/%2e%2e/b?q=1&r=%20");
  EXPECT_EQ(response.status, 203);
  EXPECT_EQ(response.body, "hello");
  EXPECT_EQ(response.headers.at("x-kind"), "a");
  EXPECT_EQ(response.headers.at("via"), "1.1 roundhouse");
  EXPECT_EQ(response.headers.count("date"), 1);
  const std::string head = origin.seen().at(0).head;
  EXPECT_TRUE(head.starts_with("GET /a/%2e%2e/b?q=1&r=%20 HTTP/1.1\r\n")) << head;
}

TEST(Proxy, TellsTheTruthAboutTheClient) {
  const Origin origin("x");
  const Instance instance(kOneProxy, upstream_of({&origin}));
  Client client(instance.web());
  client.request("GET", "/",
                 "X-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\n"
                 "X-Forwarded-Host: evil\r\nX-Forwarded-Proto: https\r\nProxy: http://evil\r\n"
                 "X_Forwarded_For: 6.6.6.6\r\n");
  const std::string head = origin.seen().at(0).head;
  EXPECT_EQ(head.find("6.6.6.6"), head.npos) << head;
  EXPECT_EQ(head.find("evil"), head.npos) << head;
  EXPECT_TRUE(holds(head, "X-Forwarded-For: 127.0.0.1")) << head;
  EXPECT_TRUE(holds(head, "X-Forwarded-Proto: http")) << head;
  EXPECT_TRUE(holds(head, "Via: 1.1 roundhouse")) << head;
  EXPECT_EQ(count_of(head, "Forwarded: for=127.0.0.1;proto=http;host="), 1) << head;
  EXPECT_EQ(count_of(head, "\r\nHost: "), 1) << head;
  EXPECT_EQ(count_of(head, "\r\nX-Request-Id: "), 1) << head;
  EXPECT_EQ(count_of(head, "\r\ntraceparent: 00-"), 1) << head;
}

TEST(Proxy, PassesAnIdAndATraceThatTheClientBegan) {
  const Origin origin("x");
  const Instance instance(kOneProxy, upstream_of({&origin}));
  const std::string trace = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  Client(instance.web()).request("GET", "/", "X-Request-Id: abc-1\r\n" + trace + "\r\n");
  const std::string head = origin.seen().at(0).head;
  EXPECT_TRUE(holds(head, "X-Request-Id: abc-1")) << head;
  EXPECT_TRUE(holds(head, trace)) << head;
  EXPECT_EQ(count_of(head, "X-Request-Id"), 1) << head;
}

TEST(Proxy, FieldsOfOneHopEndThereInBothDirections) {
  const Origin origin([](const Seen&) {
    return Reply{.bytes = ok("x",
                             "Connection: keep-alive, X-Private\r\nX-Private: 1\r\n"
                             "Keep-Alive: timeout=5\r\nProxy-Connection: x\r\nX-Public: 2\r\n")};
  });
  const Instance instance(kOneProxy, upstream_of({&origin}));
  Client client(instance.web());
  const Response response =
      client.request("GET", "/",
                     "Connection: keep-alive, X-Secret\r\nX-Secret: 1\r\nKeep-Alive: x\r\n"
                     "TE: trailers\r\nUpgrade: h2c\r\nX-Kept: 1\r\n");
  const std::string head = origin.seen().at(0).head;
  for (const char* gone : {"X-Secret", "Connection", "Keep-Alive", "TE:", "Upgrade"})
    EXPECT_EQ(head.find(gone), head.npos) << gone << " in " << head;
  EXPECT_TRUE(holds(head, "X-Kept: 1"));
  for (const char* gone : {"x-private", "keep-alive", "proxy-connection"})
    EXPECT_EQ(response.headers.count(gone), 0) << gone;
  EXPECT_EQ(response.headers.at("x-public"), "2");
}

TEST(Proxy, ManyClientsShareOneConnectionToTheServer) {
  const Origin origin("x");
  const Instance instance(kOneProxy, upstream_of({&origin}));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(get(instance.web()).status, 200);
  EXPECT_EQ(origin.connections(), 1);
}

TEST(Proxy, BodiesGoThroughWithTheirFraming) {
  const Origin origin([](const Seen& seen) { return Reply{.bytes = ok(seen.body)}; });
  const Instance instance(kOneProxy, upstream_of({&origin}));
  Client client(instance.web());
  const std::string body(3'000'000, 'b');
  EXPECT_EQ(client.request("POST", "/", "", body).body, body);
  EXPECT_TRUE(holds(origin.seen().at(0).head, "Content-Length: 3000000"));
  client.send(
      "PUT / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5;note=1\r\nhello\r\n6\r\n world\r\n0\r\n\r\n");
  EXPECT_EQ(client.receive().status, 200);
  const Seen seen = origin.seen().at(1);
  EXPECT_TRUE(holds(seen.head, "Transfer-Encoding: chunked"));
  EXPECT_EQ(seen.body.find("note"), seen.body.npos) << "extensions end here";
  EXPECT_NE(seen.body.find("hello"), seen.body.npos);
  EXPECT_TRUE(seen.body.ends_with("0\r\n\r\n"));
}

TEST(Proxy, AnAnswerMayEndInEveryWayThatHttpKnows) {
  const Origin origin([](const Seen& seen) -> Reply {
    const auto asks = [&](const char* path) { return seen.head.find(path) != seen.head.npos; };
    if (asks("/chunked"))
      return {.bytes =
                  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n"};
    if (asks("/until-close"))
      return {.bytes = "HTTP/1.0 200 OK\r\n\r\nabcde", .then = Then::kClose};
    if (asks("/204")) return {.bytes = "HTTP/1.1 204 No Content\r\n\r\n"};
    if (asks("/304")) return {.bytes = "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n"};
    if (asks("/interim"))
      return {.bytes = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + ok("abcde")};
    return {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"};  // of HEAD
  });
  const Instance instance(kOneProxy, upstream_of({&origin}));
  Client client(instance.web());
  for (const char* path : {"/chunked", "/until-close", "/interim"}) {
    const Response response = client.get(path);
    EXPECT_EQ(response.body, "abcde") << path;
    EXPECT_TRUE(response.complete) << path;
  }
  EXPECT_EQ(client.get("/204").status, 204);
  EXPECT_EQ(client.get("/304").status, 304);
  client.send("HEAD / HTTP/1.1\r\nHost: t\r\n\r\n");
  const Response head = client.receive(true);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.at("content-length"), "5");
  EXPECT_EQ(client.get("/chunked").body, "abcde") << "the connection is as good as before";
}

TEST(Proxy, PipelinedRequestsAreAnsweredInOrder) {
  const Origin origin([](const Seen& seen) {
    return Reply{.bytes = ok(seen.head.substr(4, seen.head.find(" HTTP") - 4))};
  });
  const Instance instance(kOneProxy, upstream_of({&origin}));
  Client client(instance.web());
  std::string requests;
  for (int i = 0; i < 20; ++i)
    requests += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: t\r\n\r\n";
  client.send(requests);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client.receive().body, "/" + std::to_string(i));
}

TEST(Proxy, AnAnswerThatNobodyShouldBelieveIsABadGateway) {
  const std::vector<std::string> answers = {
      "nonsense\r\n\r\n",
      "HTTP/1.1 abc OK\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
      "HTTP/1.1 200 OK\r\nBad Name: 1\r\n\r\n",
      std::string("HTTP/1.1 200 OK\r\nA: \0\r\n\r\n", 25),
      "HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n",
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
      "HTTP/1.1 200 OK\r\nA: " + std::string(100'000, 'a') + "\r\n\r\n",
  };
  for (const std::string& answer : answers) {
    const Origin origin([&](const Seen&) { return Reply{.bytes = answer, .then = Then::kClose}; });
    const Instance instance(kOneProxy, upstream_of({&origin}));
    const Response response = get(instance.web());
    EXPECT_EQ(response.status, 502) << answer.substr(0, 60);
    EXPECT_TRUE(response.body.starts_with("502 Bad Gateway: ")) << response.body;
  }
}

TEST(Proxy, ACutAnswerIsSeenToBeCut) {
  const Origin origin([](const Seen&) {
    return Reply{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
                 .then = Then::kClose};
  });
  const Instance instance(kOneProxy, upstream_of({&origin}));
  EXPECT_FALSE(get(instance.web()).complete);
}

TEST(Proxy, NobodyThereIsToldAtOnceAndReadably) {
  Origin origin("x");
  const Instance instance(kOneProxy, upstream_of({&origin}));
  origin.stop();
  const Response response = get(instance.web());
  EXPECT_EQ(response.status, 502);
  EXPECT_EQ(response.body, "502 Bad Gateway: The upstream cannot be reached.\n");
  EXPECT_EQ(response.headers.count("retry-after"), 1);
  origin.start();
  EXPECT_EQ(get(instance.web()).status, 200) << "the only one is never left alone";
}

TEST(Proxy, AServerThatDiesCostsNoGet) {
  Origin one("one");
  Origin two("two");
  const Instance instance(kOneProxy, upstream_of({&one, &two}, ", balance: rr"));
  std::size_t from_one = 0;
  for (int i = 0; i < 10; ++i) from_one += get(instance.web()).body == "one" ? 1 : 0;
  EXPECT_EQ(from_one, 5);
  one.stop();
  for (int i = 0; i < 50; ++i) EXPECT_EQ(get(instance.web()).body, "two");
}

TEST(Proxy, AnEndpointThatAnswersNothingIsTriedElsewhereForAGetAlone) {
  const Origin bad([](const Seen&) { return Reply{.then = Then::kClose}; });
  const Origin good("good");
  const Instance instance(kOneProxy, upstream_of({&bad, &good}, ", balance: rr"));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(get(instance.web()).body, "good");
  int refused = 0;
  for (int i = 0; i < 4; ++i) {
    Client client(instance.web());
    refused += client.request("POST", "/", "", "once").status == 502 ? 1 : 0;
  }
  EXPECT_GT(refused, 0);
  std::size_t posts = 0;
  for (const auto& origin : {&bad, &good})
    for (const Seen& seen : origin->seen()) posts += seen.body == "once" ? 1 : 0;
  EXPECT_EQ(posts, 4) << "each was sent once";
}

TEST(Proxy, AKeptConnectionThatDiedIsReplaced) {
  const Origin origin([](const Seen&) { return Reply{.bytes = ok("x"), .then = Then::kClose}; });
  const Instance instance(kOneProxy, upstream_of({&origin}, ", retries: {attempts: 0}"));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(get(instance.web()).status, 200) << i;
}

TEST(Proxy, AServerThatIsSilentIsGivenUp) {
  const Origin origin([](const Seen&) { return Reply{}; });
  const Instance instance(kOneProxy, upstream_of({&origin}, ", timeouts: {response: 200ms}"));
  const Response response = get(instance.web());
  EXPECT_EQ(response.status, 504);
  EXPECT_TRUE(response.body.starts_with("504 Gateway Timeout: ")) << response.body;
}

TEST(Proxy, CarriesAWebSocket) {
  const Origin origin([](const Seen&) {
    return Reply{.bytes =
                     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                     "Connection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
                 .then = Then::kEcho};
  });
  const Instance instance(kOneProxy, upstream_of({&origin}));
  Client client(instance.web());
  client.send(
      "GET /chat HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\n\r\n");
  const Response response = client.receive(true);
  EXPECT_EQ(response.status, 101);
  EXPECT_EQ(response.headers.at("upgrade"), "websocket");
  EXPECT_EQ(response.headers.at("connection"), "Upgrade");
  EXPECT_EQ(response.headers.at("sec-websocket-accept"), "x");
  EXPECT_TRUE(holds(origin.seen().at(0).head, "Sec-WebSocket-Key: k"));
  // Echoed bytes that look like an answer can be received as one.
  for (int i = 0; i < 3; ++i) {
    client.send(ok("echo " + std::to_string(i)));
    EXPECT_EQ(client.receive().body, "echo " + std::to_string(i));
  }
  ::shutdown(client.fd(), SHUT_WR);
  EXPECT_TRUE(client.at_end());
}

TEST(Proxy, WhatIsAmbiguousReachesNobody) {
  const std::vector<std::string> requests = {
      "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\nTransfer-Encoding: "
      "chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
      "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: +4\r\n\r\nabcd",
      "POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.0\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\nHost: t\n\n",
      "GET / HTTP/1.1\r\nHost: t\r\nA: b\r\n c\r\n\r\n",
      "GET /a#b HTTP/1.1\r\nHost: t\r\n\r\n",
      "GET /%00 HTTP/1.1\r\nHost: t\r\n\r\n",
      "GET /%0d%0aX:1 HTTP/1.1\r\nHost: t\r\n\r\n",
      "GET /../etc/passwd HTTP/1.1\r\nHost: t\r\n\r\n",
      "GET /a/%2e%2e/%2e%2e/b HTTP/1.1\r\nHost: t\r\n\r\n",
      "CONNECT evil:443 HTTP/1.1\r\nHost: evil:443\r\n\r\n",
  };
  const Origin origin("reached");
  const Instance instance(kOneProxy, upstream_of({&origin}));
  for (const std::string& request : requests) {
    Client client(instance.web());
    client.send(request);
    const Response response = client.receive();
    EXPECT_GE(response.status, 400) << request;
    EXPECT_LE(response.status, 501) << request;
  }
  for (const Seen& seen : origin.seen()) ADD_FAILURE() << seen.head;
}

TEST(Proxy, RequestsAreCountedByAnswerAndByEndpoint) {
  Origin origin("x");
  const Instance instance(kOneProxy, upstream_of({&origin}, ", retries: {attempts: 0}"));
  for (int i = 0; i < 5; ++i) get(instance.web());
  origin.stop();
  get(instance.web());
  const std::string endpoint =
      "{upstream=\"site\",endpoint=\"" + origin.address().to_string() + "\"}";
  EXPECT_TRUE(instance.metric_reaches("roundhouse_upstream_requests_total" + endpoint, 6));
  EXPECT_EQ(instance.metric("roundhouse_upstream_failures_total" + endpoint), 1);
  EXPECT_EQ(instance.metric("roundhouse_upstream_requests_in_flight" + endpoint), 0);
  EXPECT_EQ(instance.metric("roundhouse_http_requests_total{route=\"site\",code=\"200\"}"), 5);
  EXPECT_EQ(instance.metric("roundhouse_http_requests_total{route=\"site\",code=\"502\"}"), 1);
  EXPECT_EQ(instance.metric("roundhouse_http_request_duration_seconds_count{route=\"site\"}"), 6);
  EXPECT_EQ(instance.metric("roundhouse_worker_requests_total{pool=\"gateway\",worker=\"1\"}"), 6);
}

TEST(Proxy, TheUpstreamAloneIsAWholeConfiguration) {
  const Origin origin("x");
  const Instance instance("other: {type: proxy, workers: 2}", upstream_of({&origin}));
  EXPECT_TRUE(instance.all_ready("other", 2));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(get(instance.web()).body, "x");
}

}  // namespace
}  // namespace roundhouse::test
