// How connections are refused, time out, drain and end.
#include <gtest/gtest.h>

#include <string>

#include "fake_handler.h"
#include "world.h"

namespace roundhouse::proxy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string get(const std::string& path, const std::string& fields = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}
std::string post(const std::string& path, std::size_t size) {
  return "POST " + path + " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(size) +
         "\r\n\r\n";
}

class SessionEndTest : public testing::Test {
 protected:
  FakeHandler handler;
  World world{handler};
};

TEST_F(SessionEndTest, ABadRequestGetsItsStatusAndTheConnectionCloses) {
  const struct {
    std::string input;
    const char* status;
  } kCases[] = {
      {"GET / HTTP/1.1\r\n\r\n", "400 Bad Request"},
      {"GET / HTTP/3.0\r\n\r\n", "505 HTTP Version Not Supported"},
      {"GET /" + std::string(9000, 'a'), "414 URI Too Long"},
      {get("/", "A: " + std::string(20'000, 'a')), "431 Request Header Fields Too Large"},
      {get("/", "Transfer-Encoding: gzip\r\n"), "501 Not Implemented"},
      {get("/", "Expect: x\r\n"), "417 Expectation Failed"},
      {post("/", 11'000'000), "413 Content Too Large"},
      {get("/body", "Transfer-Encoding: chunked\r\n") + "fffffff\r\n", "413 Content Too Large"},
      {get("/body", "Transfer-Encoding: chunked\r\n") + "x\r\n", "400 Bad Request"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.status);
    Peer peer = world.connect(c.input);
    EXPECT_TRUE(world.until([&] { return peer.ended(); }));
    EXPECT_TRUE(peer.receive().starts_with(std::string("HTTP/1.1 ") + c.status + "\r\n"));
    EXPECT_TRUE(peer.receive().contains("\r\nConnection: close\r\n"));
    EXPECT_TRUE(peer.receive().ends_with(".\n"));
  }
}

TEST_F(SessionEndTest, ARefusalComesAfterTheAnswersBeforeIt) {
  Peer peer = world.connect(get("/a") + "BAD\r\n");
  EXPECT_TRUE(world.until([&] { return peer.ended(); }));
  EXPECT_LT(peer.receive().find("200 OK"), peer.receive().find("400 Bad Request"));
}

TEST_F(SessionEndTest, AClientThatIsStillSendingReceivesTheRefusal) {
  Peer peer = world.connect_tcp(post("/a", 20'000'000));
  const std::string block(100'000, 'x');
  std::size_t sent = 0;
  for (int i = 0; i < 40; ++i) {
    sent += peer.send_some(block);
    world.turn();
  }
  EXPECT_GT(sent, 1'000'000u);
  EXPECT_TRUE(world.until([&] { return peer.ended(); }));
  EXPECT_FALSE(peer.reset());
  EXPECT_TRUE(peer.receive().starts_with("HTTP/1.1 413 "));
  EXPECT_EQ(world.server.open_connections(), 1u) << "still lingering";
  peer.close();
  EXPECT_TRUE(world.until([&] { return world.server.open_connections() == 0; }));
}

TEST_F(SessionEndTest, LingeringReadsOnlySoMuch) {
  Peer peer = world.connect("BAD\r\n");
  const std::string block(100'000, 'x');
  std::size_t sent = 0;
  EXPECT_TRUE(world.until([&] {
    sent += peer.send_some(block);
    return world.server.open_connections() == 0;
  }));
  EXPECT_GT(sent, 16'000'000u);
  EXPECT_LT(sent, 18'000'000u);
}

TEST_F(SessionEndTest, LingeringEndsInTime) {
  Peer peer = world.connect("BAD\r\n");
  EXPECT_TRUE(peer.ended());
  EXPECT_EQ(world.server.free_workspaces(), 1u);
  world.pass(milliseconds(4800));
  EXPECT_EQ(world.server.open_connections(), 1u);
  world.pass(milliseconds(5300));
  EXPECT_EQ(world.server.open_connections(), 0u);
}

TEST_F(SessionEndTest, AHeadThatDoesNotComeInTimeGets408) {
  Peer peer = world.connect("GET / HTTP/1.1\r\n");
  world.pass(milliseconds(14'800));
  peer.send("Host: a\r\n");
  world.turn();
  EXPECT_EQ(peer.receive(), "");
  world.pass(milliseconds(15'300));
  EXPECT_TRUE(peer.receive().starts_with("HTTP/1.1 408 ")) << "drips do not prolong it";
  EXPECT_TRUE(peer.ended());
}

TEST_F(SessionEndTest, AConnectionThatNeverAsksIsClosedInSilence) {
  Peer peer = world.connect();
  world.pass(milliseconds(14'800));
  EXPECT_FALSE(peer.ended());
  world.pass(milliseconds(15'300));
  EXPECT_TRUE(peer.ended());
  EXPECT_EQ(peer.receive(), "");
}

TEST_F(SessionEndTest, AnIdleConnectionIsKeptForTheKeepAliveTime) {
  Peer peer = world.connect(get("/a"));
  world.pass(milliseconds(64'800));
  EXPECT_FALSE(peer.ended());
  world.pass(milliseconds(65'300));
  EXPECT_TRUE(peer.ended());
}

TEST_F(SessionEndTest, ABodyThatDripsGets408) {
  Peer peer = world.connect(post("/body", 1000) + "abc");
  world.pass(milliseconds(4'800));
  for (int i = 0; i < 10; ++i) {
    peer.send("d");
    world.turn();
  }
  EXPECT_EQ(peer.receive(), "");
  world.pass(milliseconds(5'400));
  EXPECT_TRUE(peer.receive().starts_with("HTTP/1.1 408 ")) << "drips do not prolong it";
  EXPECT_TRUE(peer.ended());
}

TEST_F(SessionEndTest, ABodyThatComesAtAPaceHasItsTime) {
  Peer peer = world.connect(post("/body", 10'000) + std::string(2'400, 'x'));
  world.pass(milliseconds(14'000));
  EXPECT_EQ(peer.receive(), "");
  world.pass(milliseconds(15'800));
  EXPECT_TRUE(peer.receive().starts_with("HTTP/1.1 408 "));
}

TEST_F(SessionEndTest, ABodyThatStopsComingGets408) {
  world.listeners[0].limits.body_rate = 0;
  Peer peer = world.connect(post("/body", 10) + "abc");
  world.pass(milliseconds(59'800));
  EXPECT_EQ(peer.receive(), "");
  world.pass(milliseconds(60'300));
  EXPECT_TRUE(peer.receive().starts_with("HTTP/1.1 408 "));
  EXPECT_TRUE(peer.ended());
}

TEST_F(SessionEndTest, AnAnswerIsNotTornByABodyThatNobodyWantedAndThatIsBad) {
  // The first answer has left before the bad chunk, the second is still in the buffer.
  Peer earlier = world.connect_tcp(get("/a", "Transfer-Encoding: chunked\r\n"));
  ASSERT_TRUE(world.answered(earlier, "/a"));
  earlier.send("x\r\n");
  Peer together = world.connect_tcp(get("/a", "Transfer-Encoding: chunked\r\n") + "x\r\n");
  Peer silent = world.connect_tcp(post("/a", 10) + "abc");
  world.pass(milliseconds(60'300));
  for (Peer* peer : {&earlier, &together, &silent}) {
    EXPECT_TRUE(world.until([&] { return peer->ended(); }));
    EXPECT_TRUE(peer->receive().starts_with("HTTP/1.1 200 "));
    EXPECT_TRUE(peer->receive().ends_with("\r\n\r\n/a"));
    EXPECT_FALSE(peer->reset());
  }
}

TEST_F(SessionEndTest, AnAnswerIsSentToWhoEndsInTheMiddleOfABodyThatNobodyWanted) {
  Peer peer = world.connect_tcp();
  peer.send(post("/a", 10) + "abc");
  peer.end_writing();
  EXPECT_TRUE(world.until([&] { return peer.ended(); }));
  EXPECT_TRUE(peer.receive().ends_with("\r\n\r\n/a"));
}

TEST_F(SessionEndTest, AWholeRequestHasALimitHoweverSteadilyItComes) {
  world.listeners[0].timeouts.request = seconds(3);
  Peer peer = world.connect(post("/body", 10) + "abc");
  world.pass(milliseconds(2'800));
  peer.send("d");
  world.turn();
  EXPECT_EQ(peer.receive(), "");
  world.pass(milliseconds(3'300));
  EXPECT_TRUE(peer.receive().starts_with("HTTP/1.1 408 "));
}

TEST_F(SessionEndTest, AClientThatReadsTooSlowlyIsResetBeforeItIsSilentForLong) {
  world.listeners[0].limits.answer_rate = 100'000;
  Peer slow = world.connect(get("/bulk"));
  EXPECT_GT(slow.receive(1).size(), 0U);
  world.turn();
  world.pass(seconds(4));  // within the grace
  EXPECT_EQ(world.closed, 0);
  world.pass(seconds(40));  // more than the socket took at that rate
  EXPECT_EQ(world.closed, 1);
  EXPECT_EQ(world.slot.proxy_failures[static_cast<int>(http::Failure::kClientStalled)], 1);
}

TEST_F(SessionEndTest, AnyPaceOfReadingWillDoIfTheListenerSaysSo) {
  world.listeners[0].limits.answer_rate = 0;
  Peer slow = world.connect(get("/bulk"));
  EXPECT_GT(slow.receive(1).size(), 0U);
  world.turn();
  world.pass(seconds(59));
  EXPECT_EQ(world.closed, 0);
}

TEST_F(SessionEndTest, AClientThatDoesNotReadIsReset) {
  for (const std::string path : {"/big", "/bulk"}) {
    World own(handler);                  // whose time has not passed
    Peer peer = own.connect(get(path));  // a socket pair holds far less than that
    for (int i = 0; i < 20; ++i) own.turn();
    ASSERT_EQ(own.slot.requests_in_flight.load(), 1u);
    own.pass(milliseconds(59'800));
    EXPECT_EQ(own.server.open_connections(), 1u);
    own.pass(milliseconds(60'300));
    EXPECT_EQ(own.server.open_connections(), 0u) << path;
    EXPECT_EQ(own.slot.proxy_failures[static_cast<int>(http::Failure::kClientStalled)], 1) << path;
  }
}

TEST_F(SessionEndTest, AnAnswerThatTakesLongHasNoDeadlineOfTheClient) {
  Peer peer = world.connect(get("/later"));
  world.pass(seconds(1000));
  EXPECT_FALSE(peer.ended());
  handler.answer_later();
  EXPECT_TRUE(world.answered(peer, "later"));
}

TEST_F(SessionEndTest, AHalfClosedClientGetsItsAnswersAndThenTheEnd) {
  for (const bool before : {true, false}) {
    Peer peer = world.connect_tcp(before ? "" : get("/a"));
    if (before) peer.send(get("/a"));
    peer.end_writing();
    EXPECT_TRUE(world.until([&] { return peer.ended(); }));
    EXPECT_TRUE(peer.receive().ends_with("/a"));
  }
  Peer late = world.connect_tcp(get("/later"));
  late.end_writing();
  world.turn();
  handler.answer_later();
  EXPECT_TRUE(world.until([&] { return late.ended(); }));
  EXPECT_TRUE(late.receive().ends_with("later"));
}

TEST_F(SessionEndTest, AClientThatLeavesInTheMiddleLeavesNothingBehind) {
  for (const std::string& input : {std::string(), std::string("GET / HT"), post("/body", 9) + "abc",
                                   post("/a", 9), get("/later"), get("/big")}) {
    SCOPED_TRACE(input);
    Peer peer = world.connect_tcp(input);
    world.turn();
    peer.close();
    if (!handler.waiting.empty()) handler.answer_later();
    EXPECT_TRUE(world.until([&] { return world.server.open_connections() == 0; }));
    EXPECT_EQ(world.slot.requests_in_flight.load(), 0u);
  }
}

TEST_F(SessionEndTest, WhoLeavesDuringTheLastRequestOfAConnectionIsNoticedAfterAMoment) {
  Peer gone = world.connect_tcp(get("/later", "Connection: close\r\n"));
  Peer stays = world.connect_tcp(get("/later", "Connection: close\r\n"));
  gone.close();
  world.turn();
  EXPECT_EQ(handler.waiting.size(), 2u);
  world.pass(milliseconds(200));
  ASSERT_TRUE(world.until([&] {
    world.pass(milliseconds(2'000));
    return handler.waiting.size() == 1;
  }));
  handler.answer_later();
  EXPECT_TRUE(world.answered(stays, "later"));
  EXPECT_TRUE(stays.ended());
}

TEST_F(SessionEndTest, ADrainEndsEachConnectionAfterItsNextAnswer) {
  Peer idle = world.connect(get("/a"));
  Peer unused = world.connect();
  Peer half = world.connect("GET /b HTTP/1.1\r\n");
  Peer busy = world.connect(get("/later"));
  world.server.drain({});
  world.turn();
  EXPECT_FALSE(idle.ended()) << "its next request may be on its way";
  idle.forget();
  idle.send(get("/c"));
  unused.send(get("/d"));
  half.send("Host: a\r\n\r\n");
  handler.answer_later();
  for (Peer* peer : {&idle, &unused, &half, &busy}) {
    EXPECT_TRUE(world.until([&] { return peer->ended(); }));
    EXPECT_TRUE(peer->receive().contains("Connection: close\r\n"));
    peer->close();
  }
  EXPECT_TRUE(world.until([&] { return world.server.open_connections() == 0; }));
}

TEST_F(SessionEndTest, ADrainClosesConnectionsThatStayIdleForAMoment) {
  Peer idle = world.connect(get("/a"));
  Peer unused = world.connect();
  world.server.drain({});
  world.pass(milliseconds(300));
  EXPECT_FALSE(idle.ended() || unused.ended());
  world.pass(milliseconds(800));
  EXPECT_TRUE(idle.ended() && unused.ended());
  EXPECT_EQ(world.server.open_connections(), 0u);
}

TEST_F(SessionEndTest, ARequestThatHasComeWhenItsConnectionIsToCloseIsAnswered) {
  Peer idle = world.connect(get("/a"));
  idle.forget();
  idle.send(get("/b"));  // and the loop has not seen it yet
  world.deadlines.advance(Clock::now() + seconds(66));
  EXPECT_TRUE(idle.receive().ends_with("/b"));
}

TEST_F(SessionEndTest, AnAnswerThatBeganBeforeTheDrainIsFinished) {
  Peer peer = world.connect_tcp(get("/big"));
  world.turn();
  world.server.drain({});
  ASSERT_TRUE(world.until([&] { return peer.receive().size() > FakeHandler::kBig; }));
  ASSERT_TRUE(world.until([&] { return world.slot.requests_in_flight.load() == 0; }));
  world.pass(seconds(1));
  EXPECT_TRUE(peer.ended());
}

}  // namespace
}  // namespace roundhouse::proxy
