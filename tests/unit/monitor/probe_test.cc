#include "monitor/probe.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "net/listener.h"
#include "support/http2_origin.h"
#include "support/origin.h"
#include "support/process.h"

namespace roundhouse::monitor {
namespace {

using namespace std::chrono_literals;
using test::Origin;

class ProbeTest : public testing::Test {
 protected:
  Probe::Outcome ask(const Address& address, const std::string& request,
                     Duration timeout = test::kPatience,
                     std::unique_ptr<Http2Question> http2 = nullptr) {
    std::optional<Probe::Outcome> outcome;
    Probe probe(
        *loop_,
        {.address = address, .request = request, .http2 = std::move(http2), .timeout = timeout},
        [&](const Probe::Outcome& came) {
          outcome = came;
          loop_->stop();
        });
    probe.start();
    EXPECT_FALSE(outcome.has_value()) << "never inside the call";
    loop_->run();
    return outcome.value_or(Probe::Outcome{.why = "nothing came"});
  }
  Probe::Outcome ask_http2(const Address& address) {
    return ask(address, "", test::kPatience,
               std::make_unique<Http2Question>(
                   Http2Question::Parts{.scheme = "http", .host = "api", .path = "/healthz"}));
  }
  // Asks for /healthz; the origin answers with these bytes and closes.
  std::string why_of(const std::string& answer) {
    const Origin origin([&](const Origin::Seen&) {
      return Origin::Reply{.bytes = answer, .then = Origin::Then::kClose};
    });
    const Probe::Outcome outcome = ask(origin.address(), probe_request("/healthz", "api"));
    EXPECT_EQ(outcome.well, outcome.why.empty());
    return outcome.well ? "well" : outcome.why;
  }

  std::unique_ptr<EventLoop> loop_ = EventLoop::create().value();
};

TEST_F(ProbeTest, AsksForThePathInTheUpstreamsName) {
  const Origin origin("x");
  EXPECT_TRUE(ask(origin.address(), probe_request("/healthz?deep=1", "api")).well);
  EXPECT_EQ(origin.seen().at(0).head,
            "GET /healthz?deep=1 HTTP/1.1\r\nHost: api\r\nUser-Agent: roundhouse-health\r\n"
            "Accept: */*\r\nConnection: close\r\n\r\n");
}

TEST_F(ProbeTest, AsksOverHttp2WhereNothingElseIsSpoken) {
  int status = 204;
  const test::Http2Origin origin([&](const test::Http2Origin::Seen&) {
    return test::Http2Origin::Reply{.status = status, .interim = {103}};
  });
  EXPECT_TRUE(ask_http2(origin.address()).well);
  EXPECT_EQ(origin.seen().at(0).authority + origin.seen().at(0).path, "api/healthz");
  status = 503;
  EXPECT_EQ(ask_http2(origin.address()).why, "it answered 503");
  const Origin older("x");
  EXPECT_EQ(ask_http2(older.address()).why, "an answer that is not HTTP/2");
}

TEST_F(ProbeTest, TwoAndThreeHundredsAreWellAndNothingElse) {
  EXPECT_EQ(why_of("HTTP/1.1 204 No Content\r\n\r\n"), "well");
  EXPECT_EQ(why_of("HTTP/1.0 302 Found\r\nLocation: /login\r\n\r\n"), "well");
  EXPECT_EQ(why_of("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), "it answered 404");
  EXPECT_EQ(why_of("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"), "it answered 503");
  EXPECT_EQ(why_of("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"),
            "it answered 101");
}

TEST_F(ProbeTest, InterimAnswersArePassedOverThoughNotForEver) {
  std::string interim = "HTTP/1.1 103 Early Hints\r\n\r\n";
  EXPECT_EQ(why_of(interim + test::ok("x")), "well");
  std::string many;
  for (int i = 0; i < 100; ++i) many += interim;
  EXPECT_EQ(why_of(many + test::ok("x")), "too many interim answers");
}

TEST_F(ProbeTest, WhatIsNoAnswerIsAFailure) {
  EXPECT_EQ(why_of(""), "the connection ended without an answer");
  EXPECT_EQ(why_of("HTTP/1.1 200 OK\r\nContent-"), "the connection ended without an answer");
  EXPECT_EQ(why_of("SSH-2.0-OpenSSH_9.2\r\n"), "an answer that is not HTTP: bad_status_line");
  EXPECT_EQ(why_of("HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x')),
            "an answer that is not HTTP: head_too_long");
}

TEST_F(ProbeTest, SilenceIsAFailureAfterTheTimeout) {
  const auto listening = listen_on(Address::loopback(0), {.backlog = 8}).value();
  EXPECT_EQ(ask(listening.address, probe_request("/", "api"), 50ms).why, "no answer in time");
}

TEST_F(ProbeTest, AConnectionAloneIsEnoughWhereNothingIsToBeAsked) {
  auto listening = listen_on(Address::loopback(0), {.backlog = 8}).value();
  EXPECT_TRUE(ask(listening.address, "").well);
  listening.fd.reset();
  const Probe::Outcome refused = ask(listening.address, "");
  EXPECT_EQ(refused.why, "connect: Connection refused");
  EXPECT_FALSE(refused.well || refused.ours);
}

TEST_F(ProbeTest, AsksOverAUnixSocketToo) {
  const test::TemporaryDirectory directory;
  const Address address = Address::parse("unix:" + directory.path() + "/app.sock").value();
  EXPECT_EQ(ask(address, "").why, "connect: No such file or directory");
  const auto listening = listen_on(address, {.backlog = 8}).value();
  EXPECT_TRUE(ask(address, "").well);
}

TEST_F(ProbeTest, MayBeDestroyedBeforeItsEnd) {
  const Address nobody = Address::parse("unix:/nonexistent/app.sock").value();
  Probe(*loop_, {.address = nobody, .request = "", .timeout = 1s}, [](const Probe::Outcome&) {
    FAIL();
  }).start();
  Timer soon(*loop_, [this] { loop_->stop(); });
  soon.start_once(1ms);
  loop_->run();
}

}  // namespace
}  // namespace roundhouse::monitor
