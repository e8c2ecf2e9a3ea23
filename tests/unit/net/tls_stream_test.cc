#include "net/tls_stream.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <string>

#include "net/tls_context.h"
#include "net/transport.h"
#include "support/certificates.h"
#include "support/tcp_pair.h"
#include "support/tls_client.h"

namespace roundhouse {
namespace {

using Status = Transport::Status;
using Step = test::TlsClient::Step;

struct World {
  std::vector<test::Pem> pems;
  TlsSetting setting{.name = "web", .alpn = {"http/1.1"}};

  std::unique_ptr<TlsContext> context() {
    setting.certificates.clear();
    for (const test::Pem& pem : pems) setting.certificates.push_back({pem.cert, pem.key});
    auto made = TlsContext::create(setting);
    EXPECT_TRUE(made) << made.error().message;
    return made ? *std::move(made) : nullptr;
  }
};

// A client and the server's side of its connection.
struct Pair {
  explicit Pair(const TlsContext& context, const test::TlsClient::Options& options = {},
                int buffers = 0)
      : sockets(buffers),
        server(std::move(sockets.far), context),
        client(std::move(sockets.near), options) {}

  // Until neither gets any further.
  void shake_hands() {
    for (int i = 0; i < 20 && (near != Step::kDone || far != Status::kMoved); ++i) {
      if (near != Step::kDone && near != Step::kFailed) near = client.step_handshake();
      if (far == Status::kWouldBlock) far = server.handshake();
    }
  }
  std::string receive() {
    std::string all;
    while (client.step_read(all) == Step::kDone) {
    }
    return all;
  }
  // What the server reads until it must wait.
  std::string server_receives() {
    std::string all;
    std::array<char, 4096> piece;
    for (Transfer in = server.read(piece); in.status == Status::kMoved; in = server.read(piece))
      all.append(piece.data(), in.bytes);
    return all;
  }

  test::TcpPair sockets;
  Transport server;
  test::TlsClient client;
  Step near = Step::kWaits;
  Status far = Status::kWouldBlock;
};

TEST(TlsStream, CarriesBytesBothWays) {
  World world{.pems = {test::make_certificate({.names = {"a.test"}})}};
  const auto context = world.context();
  Pair pair(*context, {.server_name = "a.test", .alpn = "\x08http/1.1"});
  pair.shake_hands();
  ASSERT_EQ(pair.far, Status::kMoved);
  ASSERT_EQ(pair.near, Step::kDone);
  EXPECT_EQ(pair.server.write("hello ", "world").bytes, 11u);
  EXPECT_EQ(pair.receive(), "hello world");
  ASSERT_TRUE(pair.client.send("and back"));
  EXPECT_EQ(pair.server_receives(), "and back");
  const TlsFacts facts = pair.server.facts();
  EXPECT_EQ(facts.version, "TLSv1.3");
  EXPECT_EQ(facts.server_name, "a.test");
  EXPECT_EQ(facts.protocol, "http/1.1");
  EXPECT_FALSE(facts.resumed);
  EXPECT_FALSE(pair.server.is_plain());
}

TEST(TlsStream, AReadTellsWhetherTheSocketIsDry) {
  World world{.pems = {test::make_certificate({})}};
  const auto context = world.context();
  Pair pair(*context);
  pair.shake_hands();
  ASSERT_TRUE(pair.client.send("hello"));
  std::array<char, 3> piece;
  EXPECT_FALSE(pair.server.read(piece).dry);  // two bytes are left, and nobody will say so
  const Transfer rest = pair.server.read(piece);
  EXPECT_EQ(rest.bytes, 2u);
  EXPECT_TRUE(rest.dry);
  EXPECT_EQ(pair.server.read(piece).status, Status::kWouldBlock);
}

TEST(TlsStream, WhatWasSealedAndFoundNoRoomIsSentByFlush) {
  World world{.pems = {test::make_certificate({})}};
  const auto context = world.context();
  Pair pair(*context, {}, 8192);
  pair.shake_hands();
  const std::string bytes = test::numbered(1'000'000);
  std::string_view rest = bytes;
  std::string got;
  for (int turns = 0; turns < 100'000 && got.size() < bytes.size(); ++turns) {
    if (pair.server.holds_unsent()) {
      pair.server.flush();
    } else if (!rest.empty()) {
      // Pieces of changing sizes, as a session has them: none is offered again as it was.
      const std::size_t size = std::min<std::size_t>(rest.size(), 1 + turns * 37 % 30'000);
      const Transfer out = pair.server.write(rest.substr(0, size));
      ASSERT_NE(out.status, Status::kFailed);
      rest.remove_prefix(out.bytes);
    }
    if (turns % 3 == 0) got += pair.receive();
  }
  EXPECT_TRUE(got == bytes) << got.size();
  EXPECT_FALSE(pair.server.holds_unsent());
}

TEST(TlsStream, AnEndIsToldAndTheOtherDirectionGoesOn) {
  World world{.pems = {test::make_certificate({})}};
  const auto context = world.context();
  Pair pair(*context);
  pair.shake_hands();
  pair.server.write("last words");
  EXPECT_EQ(pair.server.end_writing(), Status::kMoved);
  bool orderly = false;
  EXPECT_EQ(pair.client.receive_all(orderly), "last words");
  EXPECT_TRUE(orderly);
  ASSERT_TRUE(pair.client.send("still here"));
  EXPECT_EQ(pair.server_receives(), "still here");
  pair.client.end_writing();
  std::array<char, 8> piece;
  EXPECT_EQ(pair.server.read(piece).status, Status::kEnd);
}

TEST(TlsStream, AnEndWithoutNoticeIsAFailure) {
  World world{.pems = {test::make_certificate({})}};
  const auto context = world.context();
  Pair pair(*context);
  pair.shake_hands();
  pair.receive();  // the ticket
  ::shutdown(pair.client.fd(), SHUT_WR);
  std::array<char, 8> piece;
  EXPECT_EQ(pair.server.read(piece).status, Status::kFailed);
  EXPECT_EQ(pair.server.end_writing(), Status::kMoved);
  EXPECT_EQ(::recv(pair.client.fd(), piece.data(), piece.size(), 0), 0) << "nothing is said to it";
}

TEST(TlsStream, ClosingTellsTheEndAndResettingDoesNot) {
  World world{.pems = {test::make_certificate({})}};
  const auto context = world.context();
  for (const bool orderly : {true, false}) {
    Pair pair(*context);
    pair.shake_hands();
    pair.receive();  // the tickets
    if (orderly)
      pair.server.close();
    else
      pair.server.reset();
    bool got_end = false;
    pair.client.receive_all(got_end);
    EXPECT_EQ(got_end, orderly);
  }
}

TEST(TlsStream, OtherProtocolsAreToldApart) {
  World world{.pems = {test::make_certificate({})}};
  const auto context = world.context();
  const auto failure_of = [&](std::string_view bytes) {
    test::TcpPair sockets;
    Transport server(std::move(sockets.far), *context);
    test::send_some(sockets.near, bytes);
    EXPECT_EQ(server.handshake(), Status::kFailed);
    return server.handshake_failure();
  };
  EXPECT_EQ(failure_of("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), TlsFailure::kPlainHttp);
  EXPECT_EQ(failure_of("POST / HTTP/1.1\r\nHost: a\r\n\r\n"), TlsFailure::kPlainHttp);
  EXPECT_EQ(failure_of(std::string(100, '\x01')), TlsFailure::kProtocol);
  EXPECT_EQ(failure_of("SSH-2.0-OpenSSH_9.2\r\n"), TlsFailure::kProtocol);
}

TEST(TlsStream, AClientThatLeavesInTheHandshakeIsGone) {
  World world{.pems = {test::make_certificate({})}};
  const auto context = world.context();
  test::TcpPair sockets;
  Transport server(std::move(sockets.far), *context);
  EXPECT_EQ(server.handshake(), Status::kWouldBlock);
  sockets.near.reset();
  EXPECT_EQ(server.handshake(), Status::kFailed);
  EXPECT_EQ(server.handshake_failure(), TlsFailure::kGone);
}

TEST(TlsContext, TheCertificateIsTheOneForTheName) {
  World world{
      .pems = {test::make_certificate({.names = {"a.test"}, .subject = "first"}),
               test::make_certificate({.names = {"b.test", "*.w.test"}, .subject = "second"}),
               test::make_certificate({.names = {"x.w.test"}, .subject = "third"})}};
  const auto context = world.context();
  const auto name_for = [&](const std::string& asked) {
    Pair pair(*context, {.server_name = asked});
    pair.shake_hands();
    EXPECT_EQ(pair.near, Step::kDone) << asked;
    return pair.client.peer_name();
  };
  EXPECT_EQ(name_for("a.test"), "first");
  EXPECT_EQ(name_for("B.test"), "second");
  EXPECT_EQ(name_for("y.w.test"), "second");
  EXPECT_EQ(name_for("x.w.test"), "third");
  EXPECT_EQ(name_for("other.test"), "first");
  EXPECT_EQ(name_for(""), "first");
}

TEST(TlsContext, RsaAndEcdsaStandSideBySide) {
  World world{.pems = {test::make_certificate({.names = {"a.test"}, .rsa = true}),
                       test::make_certificate({.names = {"a.test"}})}};
  const auto context = world.context();
  for (const char* name : {"a.test", ""}) {
    for (const std::string type : {"RSA", "EC"}) {
      const char* const ciphers =
          type == "RSA" ? "ECDHE-RSA-AES128-GCM-SHA256" : "ECDHE-ECDSA-AES128-GCM-SHA256";
      Pair pair(*context, {.server_name = name, .version = TLS1_2_VERSION, .ciphers = ciphers});
      pair.shake_hands();
      ASSERT_EQ(pair.near, Step::kDone) << type << pair.client.error();
      EXPECT_EQ(pair.client.key_type(), type);
    }
  }
}

TEST(TlsContext, SessionsAreResumedByWhoeverHasTheKeys) {
  World world{.pems = {test::make_certificate({})}};
  world.setting.tickets.current.name.fill(1);
  world.setting.tickets.next.name.fill(2);
  world.setting.tickets.previous.name.fill(3);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const auto context = world.context();
    Pair first(*context, {.version = version});
    first.shake_hands();
    first.server.write("x");
    EXPECT_EQ(first.receive(), "x");  // and the tickets
    const auto resumes = [&](TlsSetting::Clients clients, int rotations, const char* name) {
      World other{.pems = world.pems, .setting = world.setting};
      other.setting.name = name;
      other.setting.clients = clients;
      if (clients != TlsSetting::Clients::kNotAsked)
        other.setting.client_ca = world.pems.front().cert;
      TlsTicketKeys& keys = other.setting.tickets;
      for (int i = 0; i < rotations; ++i) {
        keys.previous = keys.current;
        keys.current = keys.next;
        keys.next.name.fill(static_cast<std::uint8_t>(10 + i));
      }
      const auto there = other.context();
      Pair pair(*there, {.version = version, .resumes = &first.client});
      pair.shake_hands();
      EXPECT_EQ(pair.far, Status::kMoved);
      return pair.server.facts().resumed;
    };
    EXPECT_TRUE(resumes(TlsSetting::Clients::kNotAsked, 0, "web"));
    EXPECT_TRUE(resumes(TlsSetting::Clients::kNotAsked, 1, "web"));
    EXPECT_FALSE(resumes(TlsSetting::Clients::kNotAsked, 2, "web"));
    // Elsewhere clients are asked for other things.
    EXPECT_FALSE(resumes(TlsSetting::Clients::kNotAsked, 0, "admin"));
    EXPECT_FALSE(resumes(TlsSetting::Clients::kMayShow, 0, "web"));
  }
}

TEST(TlsContext, MayGoBeforeItsConnections) {
  World world{.pems = {test::make_certificate({.names = {"a.test"}}),
                       test::make_certificate({.names = {"b.test"}, .subject = "second"})}};
  auto context = world.context();
  Pair pair(*context, {.server_name = "b.test"});
  context.reset();
  pair.shake_hands();
  ASSERT_EQ(pair.far, Status::kMoved);
  EXPECT_EQ(pair.client.peer_name(), "second");
}

TEST(TlsContext, OldVersionsAndUnknownProtocolsAreRefused) {
  World world{.pems = {test::make_certificate({})}};
  world.setting.tls13_only = true;
  const auto context = world.context();
  Pair old(*context, {.version = TLS1_2_VERSION});
  old.shake_hands();
  EXPECT_EQ(old.near, Step::kFailed);
  EXPECT_EQ(old.server.handshake_failure(), TlsFailure::kProtocol);
  Pair other(*context, {.alpn = "\x02h2"});
  other.shake_hands();
  EXPECT_EQ(other.far, Status::kFailed);
  Pair both(*context, {.alpn = "\x02h2\x08http/1.1"});
  both.shake_hands();
  EXPECT_EQ(both.client.protocol(), "http/1.1");
}

TEST(TlsContext, ARenegotiationIsRefused) {
  World world{.pems = {test::make_certificate({})}};
  const auto context = world.context();
  Pair pair(*context, {.version = TLS1_2_VERSION});
  pair.shake_hands();
  pair.client.renegotiate();
  EXPECT_EQ(pair.server_receives(), "");
  pair.receive();
  EXPECT_EQ(pair.client.error(), "no renegotiation");
}

TEST(TlsContext, ClientsAreAskedForCertificates) {
  const test::Pem ca = test::make_certificate({.subject = "ca"});
  const test::Pem alice = test::make_certificate({.subject = "alice", .issuer = &ca});
  const test::Pem mallory = test::make_certificate({.subject = "alice"});
  World world{.pems = {test::make_certificate({})}};
  world.setting.client_ca = ca.cert;
  world.setting.clients = TlsSetting::Clients::kMustShow;
  const auto must = world.context();
  world.setting.clients = TlsSetting::Clients::kMayShow;
  const auto may = world.context();
  const auto outcome = [](const TlsContext& context, const test::Pem* shown) -> std::string {
    Pair pair(context, {.certificate = shown});
    pair.shake_hands();
    if (pair.far == Status::kMoved) return "'" + std::string(pair.server.facts().client) + "'";
    return pair.server.handshake_failure() == TlsFailure::kCertificate ? "refused" : "failed";
  };
  EXPECT_EQ(outcome(*must, &alice), "'CN=alice'");
  EXPECT_EQ(outcome(*must, nullptr), "refused");
  EXPECT_EQ(outcome(*must, &mallory), "refused");
  EXPECT_EQ(outcome(*may, &alice), "'CN=alice'");
  EXPECT_EQ(outcome(*may, nullptr), "''");
  EXPECT_EQ(outcome(*may, &mallory), "refused");
}

}  // namespace
}  // namespace roundhouse
