// What the real program speaks on a listener with nothing set but its certificates, looked at as
// testssl.sh does: with hellos of every kind, and the answers to them.
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <array>
#include <fstream>
#include <set>

#include "support/certificate_files.h"
#include "support/client.h"
#include "support/client_hello.h"
#include "support/instance.h"
#include "support/tls_client.h"

namespace roundhouse::test {
namespace {

using Suites = std::set<std::string>;
using Codes = std::vector<std::uint16_t>;

const std::string kGet = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
constexpr char kHandshakeRecord[] = "\x16";
constexpr std::uint16_t kEcdsaAes128 = 0xc02b;  // TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
constexpr std::uint16_t kRsaAes128 = 0xc02f;    // TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
constexpr std::uint16_t kRsaAes256 = 0xc030;    // TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
constexpr std::uint16_t kRsaChaCha = 0xcca8;    // TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
constexpr std::uint16_t kAes128 = 0x1301;       // of TLS 1.3, with GCM
constexpr std::uint16_t kAes256 = 0x1302;
constexpr std::uint16_t kChaCha = 0x1303;

// IANA's name for a suite, as OpenSSL knows it.
std::string name_of(std::uint16_t suite) {
  static SSL_CTX* const kAll = [] {
    SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_cipher_list(context, "ALL:COMPLEMENTOFALL:@SECLEVEL=0");
    return context;
  }();
  const std::unique_ptr<SSL, decltype(&SSL_free)> connection(SSL_new(kAll), SSL_free);
  const unsigned char code[] = {static_cast<unsigned char>(suite >> 8),
                                static_cast<unsigned char>(suite)};
  const SSL_CIPHER* const found = SSL_CIPHER_find(connection.get(), code);
  return found == nullptr ? std::to_string(suite) : SSL_CIPHER_standard_name(found);
}

Suites names_of(const Codes& suites) {
  Suites names;
  for (const std::uint16_t suite : suites) names.insert(name_of(suite));
  return names;
}

// The suites that docs/tls.md lists in the rows of this version.
Suites documented(const std::string& version) {
  std::ifstream file(std::string(PROJECT) + "/docs/tls.md");
  Suites found;
  for (std::string line; std::getline(file, line);) {
    const auto from = line.find("`TLS_");
    if (!line.starts_with("| TLS " + version) || from == line.npos) continue;
    found.insert(line.substr(from + 1, line.find('`', from + 1) - from - 1));
  }
  return found;
}

// Every suite that OpenSSL was built with, up to TLS 1.2.
Codes all_that_openssl_knows() {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  SSL_CTX_free);
  SSL_CTX_set_cipher_list(context.get(), "ALL:COMPLEMENTOFALL:@SECLEVEL=0");
  Codes all;
  const auto* const ciphers = SSL_CTX_get_ciphers(context.get());
  for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); ++i)
    all.push_back(SSL_CIPHER_get_protocol_id(sk_SSL_CIPHER_value(ciphers, i)));
  return all;
}

// A built-in worker that has an RSA key beside an ECDSA one, and no other setting of `tls`.
class TlsPosture : public testing::Test {
 protected:
  TlsPosture() {
    files_.put("rsa", make_certificate({.names = {"a.test"}, .subject = "a", .rsa = true}));
    instance_ = std::make_unique<Instance>(
        "hello: {workers: 1}", "",
        Instance::Options{.listener = "tls: {certificates: [{cert: " + files_.path("site.pem") +
                                      ", key: " + files_.path("site.key") +
                                      "}, {cert: " + files_.path("rsa.pem") +
                                      ", key: " + files_.path("rsa.key") + "}]}"});
  }

  const Address& web() const { return instance_->web(); }
  ServerAnswer offered(const ClientHello& hello) const { return offer(web(), hello); }
  // All that is said to these bytes until the end.
  std::string said_to(const std::string& bytes) const {
    Client client(web());
    EXPECT_TRUE(client.send(bytes));
    std::string all;
    std::array<char, 4096> piece;
    for (ssize_t count; (count = ::recv(client.fd(), piece.data(), piece.size(), 0)) > 0;)
      all.append(piece.data(), static_cast<std::size_t>(count));
    return all;
  }

  const CertificateFiles files_{make_certificate({.names = {"a.test"}, .subject = "a"})};
  std::unique_ptr<Instance> instance_;
};

TEST_F(TlsPosture, OldVersionsAreRefusedWhateverElseIsOffered) {
  Codes all = all_that_openssl_knows();
  for (const std::uint16_t version : {tls::kSsl3, tls::kTls10, tls::kTls11}) {
    const ServerAnswer answer = offered({.version = version, .suites = all});
    EXPECT_FALSE(answer.accepted()) << version;
    EXPECT_EQ(answer.alert, version == tls::kSsl3 ? tls::kHandshakeFailure : tls::kProtocolVersion);
  }
  EXPECT_FALSE(said_to(std::string("\x80\x1c\x01\x00\x02\x00\x03\x00\x00\x00\x10\x07\x00\xc0", 14) +
                       std::string(16, 'r'))
                   .starts_with(kHandshakeRecord))
      << "SSLv2";
}

TEST_F(TlsPosture, VersionsToComeAreAnsweredWithTheNewestOfOurs) {
  EXPECT_EQ(offered({.version = 0x0305, .suites = {kEcdsaAes128}}).version, tls::kTls12);
  EXPECT_EQ(offered({.version = tls::kTls13, .suites = {kAes128}}).version, tls::kTls13);
  const ServerAnswer fallback =
      offered({.suites = {kEcdsaAes128, tls::kFallbackScsv}});  // RFC 7507
  EXPECT_EQ(fallback.alert, tls::kInappropriateFallback);
}

TEST_F(TlsPosture, OfAllSuitesThereAreTheDocumentedOnesAloneAreTaken) {
  const Suites tls12 = names_of(accepted_suites(web(), {}));
  EXPECT_EQ(tls12, documented("1.2"));
  EXPECT_EQ(names_of(accepted_suites(web(), {.version = tls::kTls13})), documented("1.3"));
  for (const std::string& name : tls12) {
    EXPECT_TRUE(name.starts_with("TLS_ECDHE_")) << name << ": no forward secrecy";
    EXPECT_TRUE(name.contains("_GCM_") || name.contains("_CHACHA20_POLY1305_"))
        << name << ": not authenticated as a whole";
  }
}

TEST_F(TlsPosture, EverySuiteOfOpensslIsTakenByItselfOrRefusedWithAnAlert) {
  const Codes all = all_that_openssl_knows();
  EXPECT_GT(all.size(), 100U) << "the library knows few";
  Suites taken;
  for (const std::uint16_t suite : all) {
    const ServerAnswer answer = offered({.suites = {suite}});
    if (answer.accepted()) {
      taken.insert(name_of(suite));
    } else {
      EXPECT_EQ(answer.alert, tls::kHandshakeFailure) << name_of(suite);
    }
  }
  EXPECT_EQ(taken, documented("1.2"));
}

TEST_F(TlsPosture, OurOrderDecidesUnlessTheClientHasNoAesInHardware) {
  EXPECT_EQ(offered({.suites = {kRsaAes256, kRsaAes128}}).suite, kRsaAes128);
  EXPECT_EQ(offered({.suites = {kRsaAes256, kRsaAes128, kRsaChaCha}}).suite, kRsaAes128);
  EXPECT_EQ(offered({.suites = {kRsaChaCha, kRsaAes128}}).suite, kRsaChaCha) << "it says so first";
  const auto of_13 = [this](const Codes& suites) {
    return offered({.version = tls::kTls13, .suites = suites}).suite;
  };
  EXPECT_EQ(of_13({kAes256, kChaCha, kAes128}), kAes128);
  EXPECT_EQ(of_13({kChaCha, kAes256, kAes128}), kChaCha);
}

TEST_F(TlsPosture, ThreeCurvesAreTakenAndNoOtherGroup) {
  const Codes good = {0x001d, 0x0017, 0x0018};
  std::set<std::uint16_t> taken12;
  std::set<std::uint16_t> taken13;
  // Those of IANA's registry, finite fields (0x100 and on) and explicit curves (0xff00) included.
  for (std::uint32_t i = 0; i < 0x300; ++i) {
    const auto group = static_cast<std::uint16_t>(i < 0x200 ? i : 0xfe00 + i - 0x200 + 0x80);
    const ServerAnswer tls12 = offered({.suites = {kEcdsaAes128, kRsaAes128}, .groups = {group}});
    if (tls12.accepted()) taken12.insert(tls12.group);
    const ServerAnswer tls13 =
        offered({.version = tls::kTls13, .suites = {kAes128}, .groups = {group}});
    if (tls13.accepted()) taken13.insert(tls13.group);
  }
  const std::set<std::uint16_t> expected(good.begin(), good.end());
  EXPECT_EQ(taken12, expected);
  EXPECT_EQ(taken13, expected);
}

TEST_F(TlsPosture, SignaturesWithSha1OrMd5AreNotMade) {
  const Codes suites = {kEcdsaAes128, kRsaAes128};
  // rsa and ecdsa with SHA-1, rsa with MD5, dsa with SHA-1 and SHA-256
  EXPECT_EQ(
      offered({.suites = suites, .signatures = {0x0201, 0x0203, 0x0101, 0x0202, 0x0402}}).alert,
      tls::kHandshakeFailure);
  EXPECT_FALSE(offered({.suites = suites, .signatures = {}}).accepted())
      << "who names none means SHA-1";
  EXPECT_EQ(offered({.suites = suites, .signatures = {0x0203, 0x0403}}).signature, 0x0403);
  EXPECT_EQ(offered({.suites = {kRsaAes128}, .signatures = {0x0201, 0x0401}}).signature, 0x0401);
}

TEST_F(TlsPosture, NothingIsCompressedAndNoHeartbeatIsAnswered) {
  const std::string both("\x01\x00", 2);
  EXPECT_EQ(offered({.suites = {kEcdsaAes128}, .compressions = both}).compression, 0);
  EXPECT_FALSE(offered({.suites = {kEcdsaAes128}, .compressions = "\x01"}).accepted());
  const ClientHello beats{.suites = {kEcdsaAes128},
                          .more_extensions = {{tls::kHeartbeat, std::string("\x01", 1)}}};
  const ServerAnswer answer = offered(beats);
  EXPECT_TRUE(answer.accepted());
  EXPECT_FALSE(answer.extensions.contains(tls::kHeartbeat));
}

TEST_F(TlsPosture, WhatProtectsOldSessionsIsAnnounced) {
  const ServerAnswer answer =
      offered({.suites = {kEcdsaAes128, tls::kRenegotiationScsv},
               .more_extensions = {{tls::kExtendedSecret, ""}, {tls::kSessionTicket, ""}}});
  EXPECT_TRUE(answer.extensions.contains(tls::kRenegotiationInfo));
  EXPECT_TRUE(answer.extensions.contains(tls::kExtendedSecret));
  EXPECT_TRUE(answer.extensions.contains(tls::kSessionTicket));
}

TEST_F(TlsPosture, AClientThatRenegotiatesIsToldNoAndServedOn) {
  TlsClient client(web(), {.version = TLS1_2_VERSION});
  ASSERT_TRUE(client.shake_hands());
  ASSERT_TRUE(client.send(kGet));
  ASSERT_NE(client.receive_until("pid"), "");
  client.renegotiate();
  bool orderly = false;
  EXPECT_EQ(client.receive_all(orderly), "");
  EXPECT_EQ(client.error(), "no renegotiation");
}

// A ChangeCipherSpec before there are keys to change to (CVE-2014-0224).
TEST_F(TlsPosture, KeysAreNotChangedBeforeThereAreAny) {
  const std::string change("\x14\x03\x03\x00\x01\x01", 6);
  const std::string said = said_to(ClientHello{.suites = {kEcdsaAes128}}.to_record() + change);
  EXPECT_TRUE(said.starts_with(kHandshakeRecord));
  EXPECT_TRUE(said.ends_with(std::string("\x15\x03\x03\x00\x02\x02\x0a", 7)))
      << "unexpected_message";
}

TEST_F(TlsPosture, EarlyDataIsNeitherOfferedNorTaken) {
  TlsClient first(web(), {.version = TLS1_3_VERSION});
  ASSERT_TRUE(first.shake_hands());
  ASSERT_TRUE(first.send(kGet));
  ASSERT_NE(first.receive_until("pid"), "");
  EXPECT_EQ(first.early_data_at_most(), 0U);
  TlsClient second(web(), {.version = TLS1_3_VERSION,
                           .resumes = &first,
                           .early_data = "GET /early HTTP/1.1\r\nHost: a.test\r\n\r\n"});
  ASSERT_TRUE(second.shake_hands()) << second.error();
  EXPECT_TRUE(second.resumed());
  EXPECT_FALSE(second.early_data_accepted());
  ASSERT_TRUE(second.send("GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"));
  bool orderly = false;
  const std::string answers = second.receive_all(orderly);
  EXPECT_TRUE(answers.starts_with("HTTP/1.1 200 OK"));
  EXPECT_EQ(answers.find("HTTP/1.1"), answers.rfind("HTTP/1.1")) << "one request, one answer";
  EXPECT_TRUE(instance_->metric_reaches(
      "roundhouse_worker_requests_total{pool=\"hello\",worker=\"1\"}", 2));
}

// So that a client which uses each once, as it should, has one for its next connection.
TEST_F(TlsPosture, EveryConnectionGetsATicketOfItsOwn) {
  std::set<std::string> tickets;
  std::unique_ptr<TlsClient> last;
  for (int i = 0; i < 4; ++i) {
    auto next = std::make_unique<TlsClient>(
        web(), TlsClient::Options{.version = TLS1_3_VERSION, .resumes = last.get()});
    ASSERT_TRUE(next->shake_hands());
    ASSERT_TRUE(next->send(kGet));
    ASSERT_NE(next->receive_until("pid"), "");
    EXPECT_EQ(next->resumed(), i > 0);
    EXPECT_NE(next->ticket(), "");
    tickets.insert(next->ticket());
    last = std::move(next);
  }
  EXPECT_EQ(tickets.size(), 4U);
}

TEST_F(TlsPosture, AChainIsSentInItsOrderWithoutItsRoot) {
  const Pem root = make_certificate({.subject = "root"});
  const Pem between = make_certificate({.subject = "between", .issuer = &root});
  const Pem leaf = make_certificate({.names = {"a.test"}, .subject = "leaf", .issuer = &between});
  const CertificateFiles chained({.cert = leaf.cert + between.cert, .key = leaf.key});
  const Instance instance("hello: {workers: 1}", "", {.listener = chained.tls()});
  const ServerAnswer answer = offer(instance.web(), {.suites = {kEcdsaAes128}});
  EXPECT_EQ(answer.certificates, (std::vector{der_of(leaf), der_of(between)}));
}

}  // namespace
}  // namespace roundhouse::test
