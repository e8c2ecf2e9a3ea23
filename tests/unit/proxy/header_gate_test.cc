// Connections that begin with a header of the PROXY protocol.
#include "proxy/header_gate.h"

#include <gtest/gtest.h>

#include <string>

#include "fake_handler.h"
#include "net/proxy_header.h"
#include "support/certificates.h"
#include "support/tls_client.h"
#include "world.h"

namespace roundhouse::proxy {
namespace {

using std::chrono::seconds;
using Outcome = ipc::ProxyHeaderOutcome;

const std::string kGet = "GET /who HTTP/1.1\r\nHost: a\r\n\r\n";
const Address kClient = Address::parse("192.0.2.7:51234").value();
const Address kHere = Address::parse("10.0.0.1:443").value();

class HeaderGateTest : public testing::Test {
 protected:
  HeaderGateTest() {
    world.listeners[0].proxy_protocol = config::ProxyProtocol::kRequire;
    world.listeners[0].proxy_protocol_from = {Network::parse("unix").value()};
    handler.on_asked = [this] { ++asked; };
  }
  std::uint64_t counted(Outcome outcome) const {
    return world.slot.proxy_headers[0][static_cast<std::size_t>(outcome)].load();
  }

  FakeHandler handler;
  int asked = 0;
  World world{handler};
  const std::string header = proxy_header_v2(kClient, kHere);
};

TEST_F(HeaderGateTest, AHeaderAndARequestInOnePieceAreServedAtOnce) {
  for (const std::string& version : {proxy_header_v1(kClient, kHere), header}) {
    Peer peer = world.connect(version + kGet);
    EXPECT_TRUE(peer.receive().starts_with("HTTP/1.1 200 ")) << "without a turn of the loop";
    EXPECT_EQ(world.server.open_connections(), 1U);
    peer.close();
    EXPECT_TRUE(world.until([&] { return world.server.open_connections() == 0; }));
  }
  EXPECT_EQ(counted(Outcome::kAccepted), 2U);
}

TEST_F(HeaderGateTest, AHeaderMayComeByteByByte) {
  for (const std::string& version : {proxy_header_v1(kClient, kHere), header}) {
    Peer peer = world.connect();
    for (const char byte : version + kGet) {
      EXPECT_EQ(world.server.open_connections(), 1U);
      peer.send({&byte, 1});
      world.turn();
    }
    EXPECT_TRUE(world.answered(peer, "/who"));
    peer.close();
    EXPECT_TRUE(world.until([&] { return world.server.open_connections() == 0; }));
  }
  EXPECT_EQ(counted(Outcome::kAccepted), 2U);
}

TEST_F(HeaderGateTest, WhatNamesNobodyKeepsItsPeer) {
  Peer peer = world.connect(proxy_header_v2_local() + kGet);
  EXPECT_TRUE(world.answered(peer, "/who"));
  Peer other = world.connect("PROXY UNKNOWN\r\n" + kGet);
  EXPECT_TRUE(world.answered(other, "/who"));
  EXPECT_EQ(counted(Outcome::kLocal), 2U);
}

TEST_F(HeaderGateTest, WhatIsNoHeaderIsClosedUnanswered) {
  Peer peer = world.connect(kGet);
  EXPECT_TRUE(world.until([&] { return peer.ended() || peer.reset(); }));
  EXPECT_EQ(peer.receive(), "");
  EXPECT_EQ(counted(Outcome::kMalformed), 1U);
  EXPECT_EQ(asked, 0);
  EXPECT_EQ(world.closed, 1);
}

TEST_F(HeaderGateTest, AHeaderThatGoesWrongLaterIsClosed) {
  Peer peer = world.connect("PROXY TCP4 1.2.3.4 ");
  world.turn();
  peer.send("no address");
  peer.send(" 1 2\r\n" + kGet);
  EXPECT_TRUE(world.until([&] { return peer.ended() || peer.reset(); }));
  EXPECT_EQ(counted(Outcome::kMalformed), 1U);
  EXPECT_EQ(world.closed, 1);
}

TEST_F(HeaderGateTest, WhoIsNotTrustedIsClosedUnread) {
  world.listeners[0].proxy_protocol_from = {Network::parse("10.0.0.0/8").value()};
  world.peer_family = AF_INET;
  world.peer_first_byte = 11;
  Peer peer = world.connect(header + kGet);
  EXPECT_TRUE(world.until([&] { return peer.ended() || peer.reset(); }));
  EXPECT_EQ(counted(Outcome::kUntrusted), 1U);
  EXPECT_EQ(world.closed, 1);
  world.peer_first_byte = 10;
  Peer trusted = world.connect(header + kGet);
  EXPECT_TRUE(world.answered(trusted, "/who"));
}

TEST_F(HeaderGateTest, WhoSaysNothingIsClosedInTime) {
  world.listeners[0].timeouts.handshake = seconds(3);
  Peer silent = world.connect();
  Peer slow = world.connect("PROXY ");
  world.pass(seconds(2));
  EXPECT_EQ(world.server.open_connections(), 2U);
  world.pass(seconds(4));
  EXPECT_TRUE(silent.ended());
  EXPECT_TRUE(slow.ended() || slow.reset());
  EXPECT_EQ(counted(Outcome::kTimeout), 2U);
  EXPECT_EQ(world.server.open_connections(), 0U);
  EXPECT_EQ(world.closed, 2);
}

TEST_F(HeaderGateTest, WhoLeavesBeforeItsHeaderIsWholeIsCounted) {
  {
    Peer gone = world.connect();
    gone.close();
  }
  Peer half = world.connect("PROXY TCP4 1");
  world.turn();
  half.end_writing();
  EXPECT_TRUE(world.until([&] { return world.closed == 2; }));
  EXPECT_EQ(counted(Outcome::kGone), 2U);
}

TEST_F(HeaderGateTest, WhatHadItsHeaderElsewhereNeedsNone) {
  int pair[2] = {-1, -1};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
  Peer peer{UniqueFd(pair[0])};
  ipc::ConnectionInfo info{};
  info.begun = 1;
  info.peer_family = AF_INET;
  world.server.take(UniqueFd(pair[1]), info);
  peer.send(kGet);
  EXPECT_TRUE(world.answered(peer, "/who"));
}

TEST_F(HeaderGateTest, ACutEndsWhatWaits) {
  Peer peer = world.connect("PROXY ");
  world.server.cut_requests();
  EXPECT_EQ(world.server.open_connections(), 0U);
  world.turn();
  EXPECT_TRUE(peer.ended() || peer.reset());
}

TEST_F(HeaderGateTest, AHeaderThatComesDuringADrainIsServedAndItsConnectionEnds) {
  Peer peer = world.connect(header.substr(0, 5));
  world.server.drain({});
  peer.send(header.substr(5) + kGet);
  EXPECT_TRUE(world.until([&] { return peer.ended(); }));
  EXPECT_TRUE(peer.receive().starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(peer.receive().contains("Connection: close\r\n"));
}

TEST_F(HeaderGateTest, NothingBehindTheHeaderIsTaken) {
  const std::string padded = "PROXY UNKNOWN " + std::string(91, 'x') + "\r\n";
  ASSERT_EQ(padded.size(), 107U);
  for (const std::string& whole : {header, padded, std::string("PROXY UNKNOWN\r\n")}) {
    for (std::size_t split = 1; split < whole.size(); ++split) {
      Peer peer = world.connect(whole.substr(0, split));
      peer.send(whole.substr(split) + kGet + kGet);
      EXPECT_TRUE(world.until([&] {
        const std::string& all = peer.receive();
        return all.ends_with("/who") && all.find("HTTP/1.1", 1) != std::string::npos;
      })) << split;
    }
  }
  EXPECT_EQ(counted(Outcome::kMalformed), 0U);
}

TEST_F(HeaderGateTest, TheHandshakeOfTlsComesBehindIt) {
  world.listeners[0].tls.certificates = {{.cert = "a.pem", .key = "a.key"}};
  const test::Pem pem = test::make_certificate({});
  world.tls = TlsContext::create({.name = "web", .certificates = {{pem.cert, pem.key}}}).value();
  const Peer peer = world.connect(header);
  test::TlsClient client(UniqueFd(::fcntl(peer.fd(), F_DUPFD_CLOEXEC, 0)), {});
  using Step = test::TlsClient::Step;
  ASSERT_TRUE(world.until([&] { return client.step_handshake() == Step::kDone; }));
  std::string_view left = kGet;
  ASSERT_TRUE(world.until([&] { return client.step_write(left) == Step::kDone && left.empty(); }));
  std::string answer;
  EXPECT_TRUE(world.until([&] {
    client.step_read(answer);
    return answer.ends_with("/who");
  }));
  EXPECT_EQ(counted(Outcome::kAccepted), 1U);
}

}  // namespace
}  // namespace roundhouse::proxy
