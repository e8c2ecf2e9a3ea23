#include "net/tls_client_context.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "net/tls_context.h"
#include "net/transport.h"
#include "support/certificates.h"
#include "support/tcp_pair.h"

namespace roundhouse {
namespace {

using Status = Transport::Status;
using test::Pem;

const Pem kAuthority = test::make_certificate({.subject = "authority"});

std::unique_ptr<TlsContext> server_with(const Pem& pem, const Pem* clients = nullptr) {
  TlsSetting setting{.name = "web", .certificates = {{pem.cert, pem.key}}, .alpn = {"http/1.1"}};
  if (clients != nullptr) {
    setting.clients = TlsSetting::Clients::kMustShow;
    setting.client_ca = clients->cert;
  }
  auto made = TlsContext::create(setting);
  EXPECT_TRUE(made) << made.error().message;
  return *std::move(made);
}

std::unique_ptr<TlsContext> server_for(std::vector<std::string> names, int days = 30) {
  return server_with(
      test::make_certificate({.names = std::move(names), .days = days, .issuer = &kAuthority}));
}

std::unique_ptr<TlsClientContext> client_of(const TlsClientSetting& setting) {
  auto made = TlsClientContext::create(setting);
  EXPECT_TRUE(made) << made.error().message;
  return *std::move(made);
}

// Both ends of a connection are ours.
struct Pair {
  Pair(const TlsContext& server_context, const TlsClientContext& client_context,
       const TlsPeer& peer)
      : server(std::move(sockets.far), server_context), client(std::move(sockets.near)) {
    client.begin_tls(client_context, peer);
  }
  // Until neither gets any further. True: the client's side is done.
  bool shake_hands() {
    for (int i = 0; i < 20; ++i) {
      if (near == Status::kWouldBlock) near = client.handshake();
      if (far == Status::kWouldBlock) far = server.handshake();
    }
    return near == Status::kMoved;
  }
  // Why it fails.
  std::string reason() {
    EXPECT_FALSE(shake_hands());
    return std::string(client.tls_reason());
  }

  test::TcpPair sockets;
  Transport server;
  Transport client;
  Status near = Status::kWouldBlock;
  Status far = Status::kWouldBlock;
};

std::string read_all(Transport& transport) {
  std::string all;
  std::array<char, 4096> piece;
  for (Transfer in = transport.read(piece); in.status == Status::kMoved; in = transport.read(piece))
    all.append(piece.data(), in.bytes);
  return all;
}

TEST(TlsClientContext, SaysTheNameAndLearnsTheProtocol) {
  const auto server = server_for({"app.test"});
  const auto client = client_of({.ca = kAuthority.cert, .alpn = {"h2", "http/1.1"}});
  Pair pair(*server, *client, {.name = "app.test"});
  ASSERT_TRUE(pair.shake_hands()) << pair.client.tls_reason();
  EXPECT_EQ(pair.server.facts().server_name, "app.test");
  EXPECT_EQ(pair.client.facts().protocol, "http/1.1");
  EXPECT_EQ(pair.client.facts().version, "TLSv1.3");
  EXPECT_EQ(pair.client.write("there").bytes, 5U);
  EXPECT_EQ(read_all(pair.server), "there");
  EXPECT_EQ(pair.server.write("and back").bytes, 8U);
  EXPECT_EQ(read_all(pair.client), "and back");
}

TEST(TlsClientContext, WhatWasMovedBeforeTheHandshakeWasPlain) {
  const auto server = server_for({"app.test"});
  const auto client = client_of({.ca = kAuthority.cert});
  test::TcpPair sockets;
  Transport near(std::move(sockets.near));
  ASSERT_EQ(near.write("PROXY UNKNOWN\r\n").bytes, 15U);
  std::array<char, 15> head;
  ASSERT_EQ(::recv(sockets.far.get(), head.data(), head.size(), MSG_WAITALL), 15);
  near.begin_tls(*client, {.name = "app.test"});
  Transport far(std::move(sockets.far), *server);
  Status of_near = Status::kWouldBlock;
  Status of_far = Status::kWouldBlock;
  for (int i = 0; i < 20; ++i) {
    if (of_near == Status::kWouldBlock) of_near = near.handshake();
    if (of_far == Status::kWouldBlock) of_far = far.handshake();
  }
  EXPECT_EQ(of_near, Status::kMoved);
  EXPECT_EQ(of_far, Status::kMoved);
}

TEST(TlsClientContext, CertificatesMustHold) {
  const auto client = client_of({.ca = kAuthority.cert});
  const auto reason = [&](const TlsContext& server, const std::string& name) {
    Pair pair(server, *client, {.name = name});
    std::string why = pair.reason();
    EXPECT_EQ(pair.client.handshake_failure(), TlsFailure::kCertificate);
    return why;
  };
  const auto good = server_for({"app.test", "*.wild.test"});
  EXPECT_EQ(reason(*good, "other.test"), "hostname mismatch");
  EXPECT_EQ(reason(*good, "a.b.wild.test"), "hostname mismatch");
  EXPECT_EQ(reason(*good, "127.0.0.1"), "IP address mismatch");
  EXPECT_EQ(reason(*server_for({"app.test"}, -1), "app.test"), "certificate has expired");
  const auto unknown = server_with(test::make_certificate({.names = {"app.test"}}));
  EXPECT_EQ(reason(*unknown, "app.test"), "self-signed certificate");
  Pair wild(*good, *client, {.name = "a.wild.test"});
  EXPECT_TRUE(wild.shake_hands());
}

TEST(TlsClientContext, WithoutVerificationAnyWillDo) {
  const auto client = client_of({.verify = false});
  Pair pair(*server_for({"app.test"}, -1), *client, {.name = "other.test"});
  EXPECT_TRUE(pair.shake_hands()) << pair.client.tls_reason();
}

TEST(TlsClientContext, TheRootsOfTheSystemVouchForNobodyOfOurs) {
  Pair pair(*server_for({"app.test"}), *client_of({}), {.name = "app.test"});
  EXPECT_EQ(pair.reason(), "unable to get local issuer certificate");
}

TEST(TlsClientContext, AnAddressMustStandInTheCertificateAndIsNotSaid) {
  const auto client = client_of({.ca = kAuthority.cert});
  Pair pair(*server_for({"127.0.0.1"}), *client, {.name = "127.0.0.1"});
  EXPECT_TRUE(pair.shake_hands()) << pair.client.tls_reason();
  EXPECT_EQ(pair.server.facts().server_name, "");
}

TEST(TlsClientContext, ShowsItsCertificate) {
  const Pem staff = test::make_certificate({.subject = "staff"});
  const Pem ours = test::make_certificate({.subject = "proxy", .issuer = &staff});
  const Pem site = test::make_certificate({.names = {"app.test"}, .issuer = &kAuthority});
  const auto server = server_with(site, &staff);
  const auto client = client_of({.ca = kAuthority.cert, .cert = ours.cert, .key = ours.key});
  Pair pair(*server, *client, {.name = "app.test"});
  ASSERT_TRUE(pair.shake_hands());
  EXPECT_EQ(pair.server.facts().client, "CN=proxy");
  // Who shows none is refused, and hears of it when it reads.
  const auto poor = client_of({.ca = kAuthority.cert});
  Pair refused(*server, *poor, {.name = "app.test"});
  ASSERT_TRUE(refused.shake_hands());
  std::array<char, 16> room;
  EXPECT_EQ(refused.client.read(room).status, Status::kFailed);
  EXPECT_EQ(refused.client.tls_reason(), "tlsv13 alert certificate required");
}

TEST(TlsClientContext, TheNewestSessionIsResumedByTheSameContextAlone) {
  const auto server = server_for({"app.test"});
  const auto client = client_of({.ca = kAuthority.cert});
  TlsSession session;
  for (int i = 0; i < 3; ++i) {
    Pair pair(*server, *client, {.name = "app.test", .session = &session});
    ASSERT_TRUE(pair.shake_hands());
    EXPECT_EQ(pair.client.facts().resumed, i > 0) << i;
    EXPECT_TRUE(pair.client.is_quiet()) << "the ticket is no byte of the stream";
    pair.client.reset();  // without an orderly end
  }
  const auto other = client_of({.ca = kAuthority.cert});
  Pair pair(*server, *other, {.name = "app.test", .session = &session});
  ASSERT_TRUE(pair.shake_hands());
  EXPECT_FALSE(pair.client.facts().resumed);
}

TEST(TlsClientContext, QuietIsWhoHasNeitherSpokenNorEnded) {
  const auto server = server_for({"app.test"});
  const auto client = client_of({.ca = kAuthority.cert});
  Pair pair(*server, *client, {.name = "app.test"});
  ASSERT_TRUE(pair.shake_hands());
  EXPECT_TRUE(pair.client.is_quiet());
  EXPECT_TRUE(pair.client.is_quiet());
  EXPECT_EQ(pair.server.end_writing(), Status::kMoved);
  EXPECT_FALSE(pair.client.is_quiet());
  Pair other(*server, *client, {.name = "app.test"});
  ASSERT_TRUE(other.shake_hands());
  EXPECT_EQ(other.server.write("unasked").bytes, 7U);
  EXPECT_FALSE(other.client.is_quiet());
}

TEST(TlsClientContext, WhatIsNoTlsFails) {
  const auto client = client_of({.ca = kAuthority.cert});
  test::TcpPair sockets;
  Transport near(std::move(sockets.near));
  near.begin_tls(*client, {.name = "app.test"});
  EXPECT_EQ(near.handshake(), Status::kWouldBlock);
  test::send_some(sockets.far, "HTTP/1.1 400 Bad Request\r\n\r\n");
  EXPECT_EQ(near.handshake(), Status::kFailed);
  EXPECT_EQ(near.handshake_failure(), TlsFailure::kProtocol);
  EXPECT_EQ(near.tls_reason(), "wrong version number");
  test::TcpPair gone;
  Transport alone(std::move(gone.near));
  alone.begin_tls(*client, {.name = "app.test"});
  gone.far.reset();
  Status status = alone.handshake();
  if (status == Status::kWouldBlock) status = alone.handshake();
  EXPECT_EQ(status, Status::kFailed);
  EXPECT_EQ(alone.handshake_failure(), TlsFailure::kGone);
  EXPECT_EQ(alone.tls_reason(), "the connection was closed");
}

TEST(TlsClientContext, RefusesMaterialThatIsNone) {
  const auto broken = TlsClientContext::create({.ca = "nothing"});
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().message, "no authority vouches for the upstream");
  const Pem one = test::make_certificate({});
  const Pem other = test::make_certificate({});
  EXPECT_FALSE(TlsClientContext::create({.cert = one.cert, .key = other.key}));
}

}  // namespace
}  // namespace roundhouse
