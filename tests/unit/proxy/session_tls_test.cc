// Sessions under TLS: where they are not as others.
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <string>

#include "fake_handler.h"
#include "support/certificates.h"
#include "support/tls_client.h"
#include "world.h"

namespace roundhouse::proxy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Step = test::TlsClient::Step;

std::string get(const std::string& path, const std::string& fields = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}
const std::string kClose = "Connection: close\r\n";

class SessionTlsTest : public testing::Test {
 protected:
  SessionTlsTest() {
    world.listeners[0].tls.certificates = {{.cert = "a.pem", .key = "a.key"}};
    const test::Pem pem = test::make_certificate({});
    world.tls = TlsContext::create({.name = "web", .certificates = {{pem.cert, pem.key}}}).value();
  }
  // Connected, the handshake done.
  test::TlsClient& connected() {
    const Peer peer = world.connect();
    client_ = std::make_unique<test::TlsClient>(UniqueFd(::fcntl(peer.fd(), F_DUPFD_CLOEXEC, 0)),
                                                test::TlsClient::Options{});
    EXPECT_TRUE(world.until([&] { return client_->step_handshake() == Step::kDone; }));
    return *client_;
  }
  // What has come; `ended`: in which way, or kWaits.
  std::string receive(test::TlsClient& client, Step* ended = nullptr) {
    std::string all;
    Step step = Step::kDone;
    while ((step = client.step_read(all)) == Step::kDone) {
    }
    if (ended != nullptr) *ended = step;
    return all;
  }
  // Until it ends, in which way.
  Step end_of(test::TlsClient& client, std::string& received) {
    Step ended = Step::kWaits;
    EXPECT_TRUE(world.until([&] {
      received += receive(client, &ended);
      return ended != Step::kWaits;
    }));
    return ended;
  }
  std::uint64_t count(ipc::TlsOutcome outcome) const {
    return world.slot.tls_handshakes[0][static_cast<std::size_t>(outcome)].load();
  }

  FakeHandler handler;
  World world{handler};

 private:
  std::unique_ptr<test::TlsClient> client_;
};

TEST_F(SessionTlsTest, RequestsThatComeTogetherAreAnsweredInOrder) {
  test::TlsClient& client = connected();
  std::string requests;
  for (int i = 0; i < 300; ++i) requests += get("/" + std::to_string(i));
  requests += get("/last", kClose);
  std::string_view rest = requests;
  std::string answers;
  Step ended = Step::kWaits;
  EXPECT_TRUE(world.until([&] {
    if (!rest.empty()) client.step_write(rest);
    answers += receive(client, &ended);
    return ended != Step::kWaits;
  }));
  EXPECT_EQ(ended, Step::kEnd);
  EXPECT_TRUE(answers.ends_with("/last"));
  EXPECT_LT(answers.find("\r\n\r\n/7"), answers.find("\r\n\r\n/299"));
  EXPECT_EQ(count(ipc::TlsOutcome::k13Full), 1u);
}

TEST_F(SessionTlsTest, AnAnswerThatFillsTheSocketIsWholeAndEndsInOrder) {
  test::TlsClient& client = connected();
  ASSERT_TRUE(client.send(get("/bulk", kClose)));
  for (int i = 0; i < 50; ++i) world.turn();  // there is no room any more
  std::string answer;
  EXPECT_EQ(end_of(client, answer), Step::kEnd);
  EXPECT_GT(answer.size(), FakeHandler::kBig);
}

TEST_F(SessionTlsTest, ABodyIsEchoedWhileItComes) {
  test::TlsClient& client = connected();
  const std::string body(1'000'000, 'x');
  const std::string head = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n" +
                           std::string(kClose) + "\r\n";
  const std::string all = head + body;
  std::string_view rest = all;
  std::string answer;
  Step ended = Step::kWaits;
  EXPECT_TRUE(world.until([&] {
    if (!rest.empty()) client.step_write(rest);
    answer += receive(client, &ended);
    return ended != Step::kWaits;
  }));
  EXPECT_EQ(ended, Step::kEnd);
  EXPECT_TRUE(answer.ends_with(body));
}

TEST_F(SessionTlsTest, AnAnswerThatIsCutHasNoOrderlyEnd) {
  test::TlsClient& client = connected();
  ASSERT_TRUE(client.send(get("/abort")));
  std::string answer;
  EXPECT_EQ(end_of(client, answer), Step::kFailed);
}

TEST_F(SessionTlsTest, AnIdleConnectionIsToldItsEndAndHoldsNoWorkspace) {
  test::TlsClient& client = connected();
  ASSERT_TRUE(client.send(get("/a")));
  std::string answer;
  EXPECT_TRUE(world.until([&] { return (answer += receive(client)).ends_with("/a"); }));
  EXPECT_EQ(world.server.free_workspaces(), 1u);
  world.pass(seconds(66));
  EXPECT_EQ(end_of(client, answer), Step::kEnd);
  EXPECT_EQ(world.closed, 1);
}

TEST_F(SessionTlsTest, AnOrderlyEndOfTheClientEndsTheConnection) {
  test::TlsClient& client = connected();
  client.end_writing();
  std::string nothing;
  EXPECT_EQ(end_of(client, nothing), Step::kEnd);
  EXPECT_TRUE(world.until([&] { return world.closed == 1; }));
}

TEST_F(SessionTlsTest, AClientThatEndsItsSideStillGetsItsAnswer) {
  test::TlsClient& client = connected();
  ASSERT_TRUE(client.send(get("/later")));
  EXPECT_TRUE(world.until([&] { return !handler.waiting.empty(); }));
  client.end_writing();
  for (int i = 0; i < 5; ++i) world.turn();
  handler.answer_later();
  std::string answer;
  end_of(client, answer);
  EXPECT_TRUE(answer.ends_with("later")) << answer;
}

TEST_F(SessionTlsTest, AHandshakeHasItsDeadline) {
  Peer peer = world.connect_tcp("\x16\x03\x01");
  world.pass(milliseconds(9900));
  EXPECT_EQ(world.closed, 0);
  world.pass(milliseconds(10'100));
  EXPECT_EQ(world.closed, 1);
  EXPECT_TRUE(peer.ended() || peer.reset());
  EXPECT_EQ(peer.receive(), "");
  EXPECT_EQ(count(ipc::TlsOutcome::kTimeout), 1u);
}

TEST_F(SessionTlsTest, AClientThatTakesNothingIsCutAtTheUsualDeadline) {
  test::TlsClient& client = connected();
  ASSERT_TRUE(client.send(get("/bulk")));
  for (int i = 0; i < 50; ++i) world.turn();
  EXPECT_EQ(world.closed, 0);
  world.pass(seconds(61));
  EXPECT_EQ(world.closed, 1);
  EXPECT_EQ(world.slot.proxy_failures[static_cast<std::size_t>(http::Failure::kClientStalled)], 1u);
}

TEST_F(SessionTlsTest, ADrainAnnouncesTheEnd) {
  test::TlsClient& client = connected();
  world.server.drain({.deadline = Clock::now() + seconds(10),
                      .requests_until = Clock::now() + seconds(10),
                      .give_back = 1});  // of no use to others
  ASSERT_TRUE(client.send(get("/a")));
  std::string answer;
  EXPECT_EQ(end_of(client, answer), Step::kEnd);
  EXPECT_TRUE(answer.contains("Connection: close\r\n")) << answer;
}

TEST_F(SessionTlsTest, AHandshakeMayComeByteByByte) {
  // What a client says first, seen by a server that never answers.
  int pair[2] = {-1, -1};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
  const UniqueFd far(pair[1]);
  test::TlsClient silent(UniqueFd(pair[0]), {});
  EXPECT_EQ(silent.step_handshake(), Step::kWaits);
  char hello[4096];
  const ssize_t size = ::recv(far.get(), hello, sizeof hello, 0);
  ASSERT_GT(size, 100);
  Peer peer = world.connect_tcp();
  for (ssize_t i = 0; i < size; ++i) {
    EXPECT_EQ(peer.receive(), "");
    peer.send({hello + i, 1});
    world.turn();
  }
  EXPECT_TRUE(world.until([&] { return peer.receive().starts_with("\x16\x03\x03"); }));
}

}  // namespace
}  // namespace roundhouse::proxy
