#include "worker/hello.h"

#include <gtest/gtest.h>

#include <csignal>
#include <string>

#include "../proxy/world.h"

namespace roundhouse::worker {
namespace {

using proxy::Peer;
using proxy::without_date;
using proxy::World;

std::string get(const std::string& path) { return "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n"; }

const std::string kLines = "Content-Type: text/plain\r\nWorker-Id: 2\r\nWorker-Pid: 4711\r\n";
const std::string kHello = "HTTP/1.1 200 OK\r\n" + kLines +
                           "Content-Length: 37\r\n\r\nhello world from worker 2 (pid 4711)\n";

struct HelloTest : testing::Test {
  std::string ask(config::TestHandlers who, const std::string& request) {
    Hello hello(2, 4711, who);
    World world(hello);
    world.peer_family = family;
    world.peer_first_byte = first_byte;
    Peer peer = world.connect(request);
    world.turn();
    return without_date(peer.receive());
  }
  std::uint16_t family = AF_UNIX;
  std::uint8_t first_byte = 0;
};

TEST_F(HelloTest, EveryPathIsAnsweredWithWhoAnswers) {
  for (const char* path : {"/", "/any/path?x", "/dieing"})
    EXPECT_EQ(ask(config::TestHandlers::kOn, get(path)), kHello) << path;
}

TEST_F(HelloTest, ATunnelIsRefused) {
  EXPECT_TRUE(ask(config::TestHandlers::kOn, "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n")
                  .starts_with("HTTP/1.1 501 "));
}

TEST_F(HelloTest, TestHandlersAnswerWhomTheyAreMeantFor) {
  const struct {
    config::TestHandlers who;
    std::uint16_t family;
    std::uint8_t first_byte;
    bool answered;
  } kCases[] = {
      {config::TestHandlers::kLocal, AF_UNIX, 0, true},
      {config::TestHandlers::kLocal, AF_INET, 127, true},
      {config::TestHandlers::kLocal, AF_INET, 10, false},
      {config::TestHandlers::kLocal, AF_INET6, 0x20, false},
      {config::TestHandlers::kOn, AF_INET, 10, true},
      {config::TestHandlers::kOff, AF_UNIX, 0, false},
  };
  for (const auto& c : kCases) {
    family = c.family;
    first_byte = c.first_byte;
    EXPECT_EQ(ask(c.who, get("/spin?ms=0")).ends_with("\r\n\r\ndone\n"), c.answered);
  }
}

TEST_F(HelloTest, SleepAnswersLaterAndServesOthersMeanwhile) {
  Hello hello(2, 4711, config::TestHandlers::kOn);
  World world(hello);
  Peer sleeper = world.connect(get("/sleep?ms=30"));
  Peer gone = world.connect(get("/sleep?ms=20"));
  gone.close();
  Peer other = world.connect(get("/"));
  EXPECT_EQ(without_date(other.receive()), kHello);
  EXPECT_EQ(sleeper.receive(), "");
  EXPECT_TRUE(world.answered(sleeper, "done\n"));
  EXPECT_TRUE(world.until([&] { return world.server.open_connections() == 2; }));
}

TEST_F(HelloTest, BytesAnswersAsManyAsAsked) {
  for (const std::size_t count : {0u, 1u, 100'000u}) {
    const std::string answer =
        ask(config::TestHandlers::kOn, get("/bytes?n=" + std::to_string(count)));
    EXPECT_EQ(answer, "HTTP/1.1 200 OK\r\n" + kLines + "Content-Length: " + std::to_string(count) +
                          "\r\n\r\n" + std::string(count, 'x'));
  }
}

TEST_F(HelloTest, EchoGivesTheBodyBackAsItCame) {
  EXPECT_EQ(ask(config::TestHandlers::kOn,
                "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"),
            "HTTP/1.1 200 OK\r\n" + kLines + "Content-Length: 5\r\n\r\nhello");
  EXPECT_EQ(ask(config::TestHandlers::kOn,
                "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                "5\r\nhello\r\n0\r\nSum: 1\r\n\r\n"),
            "HTTP/1.1 200 OK\r\n" + kLines +
                "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nSum: 1\r\n\r\n");
}

using HelloDeathTest = HelloTest;

TEST_F(HelloDeathTest, DieDiesAsAsked) {
  using testing::ExitedWithCode;
  using testing::KilledBySignal;
  const auto die = [&](const char* how) {
    ask(config::TestHandlers::kOn, get(std::string("/die") + how));
  };
  EXPECT_EXIT(die("?signal=ABRT"), KilledBySignal(SIGABRT), "");
  EXPECT_EXIT(die("?signal=KILL"), KilledBySignal(SIGKILL), "");
  EXPECT_EXIT(die("?exit=3"), ExitedWithCode(3), "");
#ifndef __SANITIZE_ADDRESS__  // which makes an exit of it
  EXPECT_EXIT(die(""), KilledBySignal(SIGSEGV), "");
#endif
}

}  // namespace
}  // namespace roundhouse::worker
