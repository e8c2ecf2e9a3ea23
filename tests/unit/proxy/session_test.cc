#include "proxy/session.h"

#include <gtest/gtest.h>

#include <string>

#include "fake_handler.h"
#include "world.h"

namespace roundhouse::proxy {
namespace {

std::string get(const std::string& path, const std::string& fields = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}
std::string post(const std::string& path, std::size_t size, const std::string& fields = "") {
  return "POST " + path + " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(size) +
         "\r\n" + fields + "\r\n";
}
std::string ok(const std::string& body, const std::string& fields = "") {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + fields +
         "\r\n" + body;
}
const std::string kClose = "Connection: close\r\n";

std::string without_chunks(std::string_view text) {
  std::string data;
  while (true) {
    const std::size_t line_end = text.find("\r\n");
    const std::size_t size = std::stoul(std::string(text.substr(0, line_end)), nullptr, 16);
    if (size == 0) return data;
    data += text.substr(line_end + 2, size);
    text.remove_prefix(line_end + 2 + size + 2);
  }
}

class SessionTest : public testing::Test {
 protected:
  FakeHandler handler;
  World world{handler};
};

TEST_F(SessionTest, ARequestThatHasAlreadyComeIsAnsweredAndClosedWithoutTheLoop) {
  Peer peer = world.connect(get("/a", kClose));
  EXPECT_EQ(without_date(peer.receive()), ok("/a", kClose));
  EXPECT_TRUE(peer.ended());
  EXPECT_EQ(world.server.open_connections(), 0u);
  EXPECT_EQ(world.closed, 1);
}

TEST_F(SessionTest, AKeptAliveConnectionServesOneRequestAfterTheOther) {
  Peer peer = world.connect(get("/a"));
  EXPECT_EQ(without_date(peer.receive()), ok("/a"));
  peer.forget();
  for (const char* path : {"/b", "/c"}) {
    peer.send(get(path));
    ASSERT_TRUE(world.answered(peer, path));
    EXPECT_EQ(without_date(peer.receive()), ok(path));
    peer.forget();
  }
  EXPECT_FALSE(peer.ended());
}

TEST_F(SessionTest, AnAnswerCarriesTheDate) {
  Peer peer = world.connect(get("/a"));
  const std::string answer = peer.receive();
  const std::size_t date = answer.find("\r\nDate: ");
  ASSERT_NE(date, std::string::npos);
  EXPECT_EQ(answer.substr(date + 8 + 25, 6), " GMT\r\n") << answer;
}

TEST_F(SessionTest, ARequestMayComeByteByByte) {
  Peer peer = world.connect();
  for (const char byte : post("/body", 3) + "abc") {
    peer.send({&byte, 1});
    world.turn();
  }
  ASSERT_TRUE(world.answered(peer, "\r\n\r\n3"));
}

TEST_F(SessionTest, PipelinedRequestsAreAnsweredInOrderHoweverLateTheClientReads) {
  std::string requests;
  std::string answers;
  for (int i = 0; i < 900; ++i) {
    const std::string path = "/" + std::to_string(i);
    requests += i % 3 == 0 ? post(path, 5) + "hello" : get(path);
    answers += ok(path);
  }
  Peer peer = world.connect();
  std::string_view rest = requests;
  for (int i = 0; i < 1000 && !rest.empty(); ++i) {
    rest.remove_prefix(peer.send_some(rest));
    world.turn();
    if (i > 20) peer.receive();
  }
  ASSERT_TRUE(world.answered(peer, "\r\n\r\n/899"));
  EXPECT_EQ(without_date(peer.receive()), answers);
}

TEST_F(SessionTest, ASlowAnswerHoldsBackTheNextRequests) {
  Peer peer = world.connect(get("/later") + get("/next"));
  world.turn();
  EXPECT_EQ(peer.receive(), "");
  EXPECT_EQ(handler.asked, "/later ");
  handler.answer_later();
  ASSERT_TRUE(world.answered(peer, "/next"));
  EXPECT_EQ(without_date(peer.receive()), ok("later") + ok("/next"));
}

TEST_F(SessionTest, IdleConnectionsHoldNoBuffers) {
  std::vector<Peer> peers;
  for (int i = 0; i < 5; ++i) peers.push_back(world.connect(get("/a")));
  EXPECT_EQ(world.server.open_connections(), 5u);
  EXPECT_EQ(world.server.free_workspaces(), 1u);
  Peer half = world.connect("GET / HT");
  EXPECT_EQ(world.server.free_workspaces(), 0u);
}

TEST_F(SessionTest, TheLastRequestOfAConnectionIsAnnounced) {
  world.listeners[0].limits.requests_per_connection = 3;
  Peer peer = world.connect(get("/a"), 1);
  peer.send(get("/b"));
  ASSERT_TRUE(world.answered(peer, "/b"));
  EXPECT_EQ(without_date(peer.receive()), ok("/a") + ok("/b", kClose));
  peer.close();
  EXPECT_TRUE(world.until([&] { return world.closed == 1; }));
}

TEST_F(SessionTest, Http10IsClosedUnlessItAsksToBeKept) {
  Peer once = world.connect("GET /a HTTP/1.0\r\n\r\n");
  EXPECT_EQ(without_date(once.receive()), ok("/a", kClose));
  EXPECT_TRUE(once.ended());
  Peer kept = world.connect("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(without_date(kept.receive()), ok("/a", "Connection: keep-alive\r\n"));
  EXPECT_FALSE(kept.ended());
}

TEST_F(SessionTest, HeadIsAnsweredWithoutTheBody) {
  Peer peer = world.connect("HEAD /abc HTTP/1.1\r\nHost: a\r\n\r\n" + get("/b"));
  EXPECT_EQ(without_date(peer.receive()),
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n" + ok("/b"));
}

TEST_F(SessionTest, ABodyNobodyWantsIsDroppedAndTheConnectionKept) {
  Peer peer = world.connect(post("/a", 100'000));
  peer.send(std::string(50'000, 'x'));
  world.turn();
  peer.send(std::string(50'000, 'x') + get("/b"));
  ASSERT_TRUE(world.answered(peer, "/b"));
  EXPECT_EQ(without_date(peer.receive()), ok("/a") + ok("/b"));
}

TEST_F(SessionTest, TheHeadOfARequestStaysReadableUntilItsLongBodyHasCome) {
  Peer peer = world.connect(get("/a") + post("/body", 200'000, "Tag: -kept\r\n"));
  const std::string body(200'000, 'x');
  std::string_view rest = body;
  ASSERT_TRUE(world.until([&] {
    rest.remove_prefix(peer.send_some(rest));
    return rest.empty();
  }));
  ASSERT_TRUE(world.answered(peer, "200000-kept"));
}

TEST_F(SessionTest, ChunkedBodiesAndTrailersAreEchoed) {
  const std::string head = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  Peer peer =
      world.connect(head + "5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nA: b\r\n\r\n" + get("/b"));
  EXPECT_EQ(without_date(peer.receive()),
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            "5\r\nhello\r\n6\r\n world\r\n0\r\nA: b\r\n\r\n" +
                ok("/b"));
}

TEST_F(SessionTest, ChunksForAnHttp10ClientEndWithTheConnection) {
  Peer peer = world.connect("GET /chunks HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  peer = world.connect("POST /echo HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_EQ(without_date(peer.receive()), ok("hi", kClose));
  EXPECT_TRUE(peer.ended());
}

TEST_F(SessionTest, AnEchoWaitsForASlowReaderAndLosesNothing) {
  std::string body;
  while (body.size() < 2'000'000) body += std::to_string(body.size()) + " ";
  Peer peer = world.connect(post("/echo", body.size()));
  std::string_view rest = body;
  for (int i = 0; i < 50; ++i) {
    rest.remove_prefix(peer.send_some(rest));
    world.turn();
  }
  EXPECT_FALSE(rest.empty()) << "the session read without bound";
  ASSERT_TRUE(world.until([&] {
    rest.remove_prefix(peer.send_some(rest));
    return peer.receive(10'000).size() > body.size();
  }));
  ASSERT_TRUE(world.answered(peer, body.substr(body.size() - 100)));
  EXPECT_EQ(without_date(peer.receive()), ok(body));
}

TEST_F(SessionTest, LargeChunksReachASlowReaderWhole) {
  std::string body;
  while (body.size() < 2'000'000) body += std::to_string(body.size()) + " ";
  std::string request = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  char size[32];
  for (std::size_t at = 0; at < body.size(); at += 300'000) {
    const std::string chunk = body.substr(at, 300'000);
    std::snprintf(size, sizeof size, "%zx\r\n", chunk.size());
    request += size + chunk + "\r\n";
  }
  request += "0\r\n\r\n";
  Peer peer = world.connect();
  std::string_view rest = request;
  ASSERT_TRUE(world.until([&] {
    rest.remove_prefix(peer.send_some(rest));
    return peer.receive(10'000).ends_with("\r\n0\r\n\r\n");
  }));
  std::string_view answer = peer.receive();
  answer.remove_prefix(answer.find("\r\n\r\n") + 4);
  EXPECT_EQ(without_chunks(answer), body);
}

TEST_F(SessionTest, ABigAnswerDoesNotKeepTheOthersWaiting) {
  for (const std::string path : {"/big", "/bulk"}) {
    Peer big = world.connect_tcp(get(path));
    Peer other = world.connect();
    other.send(get("/a"));
    ASSERT_TRUE(world.answered(other, "/a"));
    std::size_t got = 0;
    ASSERT_TRUE(world.until([&] {
      got = big.receive().size();
      return got > FakeHandler::kBig;
    }));
    EXPECT_TRUE(big.receive().ends_with("bbb")) << path;
  }
}

TEST_F(SessionTest, TheSlotCountsRequestsAndNamesThoseInFlight) {
  std::string in_flight;
  handler.on_asked = [&] { in_flight = world.slot.in_flight[0].text; };
  Peer peer = world.connect(get("/later?token=secret"));
  EXPECT_EQ(in_flight, "GET /later from unix");
  EXPECT_EQ(world.slot.requests_in_flight.load(), 1u);
  EXPECT_EQ(world.slot.requests_total.load(), 1u);
  handler.answer_later();
  EXPECT_EQ(world.slot.requests_in_flight.load(), 0u);
  EXPECT_EQ(world.slot.in_flight[0].used.load(), 0u);
  Peer bad = world.connect("\n");
  EXPECT_EQ(world.slot.request_failures[0].load(), 1u);
}

TEST_F(SessionTest, Continue100IsSentToWhoWaitsForItWhenTheBodyIsWanted) {
  Peer peer = world.connect(post("/body", 5, "Expect: 100-continue\r\n"));
  EXPECT_EQ(peer.receive(), "HTTP/1.1 100 Continue\r\n\r\n");
  peer.forget();
  peer.send("hello");
  ASSERT_TRUE(world.answered(peer, "\r\n\r\n5"));
  EXPECT_EQ(without_date(peer.receive()), ok("5"));
}

TEST_F(SessionTest, WhoseBodyIsNotWantedGetsTheAnswerAndNo100) {
  Peer peer = world.connect(post("/a", 5, "Expect: 100-continue\r\n"));
  EXPECT_EQ(without_date(peer.receive()), ok("/a", kClose));
  EXPECT_TRUE(peer.ended());
}

TEST_F(SessionTest, AnAnswerThatCannotBeFinishedIsReset) {
  Peer peer = world.connect_tcp(get("/abort"));
  EXPECT_TRUE(world.until([&] { return peer.reset(); }));
  EXPECT_EQ(world.server.open_connections(), 0u);
  EXPECT_EQ(world.slot.requests_in_flight.load(), 0u);
}

}  // namespace
}  // namespace roundhouse::proxy
