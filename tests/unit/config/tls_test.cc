#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "config/effective.h"
#include "config/explain.h"
#include "config/worker_text.h"
#include "world.h"

namespace roundhouse::config {
namespace {

const FileCase kCases[] = {
    {"NeedsACertificate", "listeners: {a: {tls: {min_version: '1.3'}}}",
     "t.yaml:1:17: listeners.a.tls: names no certificate; expected `cert` and `key`, or "
     "`certificates`"},
    {"AKeyAloneIsNoCertificate", "listeners: {a: {tls: {key: x}}}",
     "t.yaml:1:17: listeners.a.tls: names no certificate; expected `cert` and `key`, or "
     "`certificates`"},
    {"ItsHandshakeIsOfTlsAlone", "listeners: {a: {timeouts: {handshake: 1s}}}",
     "t.yaml:1:39: listeners.a.timeouts.handshake: is for TLS, and this listener has none; "
     "expected `tls`, or no such key"},
    {"Http2AndHttp1AreSpoken", "listeners: {a: {tls: {cert: x, alpn: [h2, http/1.1]}}}", ""},
    {"Http2MayBeOff", "listeners: {a: {http2: false, tls: {cert: x, alpn: [h2, http/1.1]}}}",
     "t.yaml:1:52: listeners.a.tls.alpn: has 'h2', and `http2: false` switches that off; expected "
     "one of the two"},
    {"TcpKnowsNoHttp2",
     "listeners: {a: {protocol: tcp, http2: false}}\nupstreams: {u: '127.0.0.1:1'}",
     "t.yaml:1:39: listeners.a.http2: is for HTTP, and this listener is tcp; expected no such key"},
    {"OtherProtocolsAreForTcp", "listeners: {a: {tls: {cert: x, alpn: mqtt}}}",
     "t.yaml:1:38: listeners.a.tls.alpn: 'mqtt' is not spoken here; expected h2 or http/1.1"},
    {"TcpMayNameAnyProtocol",
     "listeners: {a: {protocol: tcp, tls: {cert: x, alpn: mqtt}}}\nupstreams: {u: '127.0.0.1:1'}",
     ""},
    {"WhoAsksForClientsNeedsAuthorities", "listeners: {a: {tls: {cert: x, client_auth: required}}}",
     "t.yaml:1:45: listeners.a.tls.client_auth: asks clients for certificates that nobody vouches "
     "for; expected `client_ca`"},
    {"AuthoritiesAreForWhoIsAsked", "listeners: {a: {tls: {cert: x, client_ca: y}}}",
     "t.yaml:1:43: listeners.a.tls.client_ca: is for clients that are asked for a certificate; "
     "expected `client_auth` as well"},
    {"NativeProgramsEndNone",
     "listeners: {a: {tls: {cert: x}}}\npools: {p: {type: native, command: ./x}}",
     "t.yaml:1:17: listeners.a.tls: is ended by built-in workers, and those of pool p are a "
     "program of type native; expected no such key"},
    {"DirectProgramsEndNone",
     "listeners: {a: {via: direct, tls: {cert: x}}}\npools: {p: {type: listen_fds, command: ./x}}",
     "t.yaml:1:22: listeners.a.via: direct, and tls.cert is set, which the program knows nothing "
     "of; expected proxy, or no such keys"},
    {"ACertificateHasTwoKeys", "listeners: {a: {tls: {certificates: [{cert: x, keys: y}]}}}",
     "t.yaml:1:48: listeners.a.tls.certificates.keys: unknown key; expected cert or key"}};

class TlsCheck : public testing::TestWithParam<FileCase> {};
TEST_P(TlsCheck, IsMade) { EXPECT_EQ(errors_of(GetParam().file), GetParam().errors); }
INSTANTIATE_TEST_SUITE_P(Configuration, TlsCheck, testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Tls, TheShortFormIsTheFirstCertificateAndPathsBeginAtTheFile) {
  const auto loaded = load_text(
      "listeners: {a: {tls: {cert: a.pem, key: /k/a.key, certificates: [{cert: b.pem}]}}}",
      "/etc/rh/t.yaml", {}, surroundings());
  ASSERT_TRUE(loaded) << loaded.error().message;
  const Tls& tls = loaded->configuration.listeners.front().tls;
  ASSERT_EQ(tls.certificates.size(), 2U);
  EXPECT_EQ(tls.certificates[0], (Certificate{"/etc/rh/a.pem", "/k/a.key"}));
  EXPECT_EQ(tls.certificates[1], (Certificate{"/etc/rh/b.pem", "/etc/rh/b.pem"}));
  EXPECT_EQ(tls.min_version, TlsVersion::k12);
}

TEST(Tls, CrossesAnExecWithBlanksInItsPaths) {
  const auto loaded = load(
      "listeners: {a: {tls: {certificates: [{cert: 'a b.pem', key: 'c d.key'}], min_version: "
      "'1.3'}}}");
  ASSERT_TRUE(loaded) << loaded.error().message;
  const auto again = from_effective_text(to_effective_text(loaded->configuration));
  ASSERT_TRUE(again) << again.error().message;
  const Tls& tls = again->listeners.front().tls;
  EXPECT_EQ(tls.certificates, loaded->configuration.listeners.front().tls.certificates);
  EXPECT_EQ(tls.min_version, TlsVersion::k13);
}

TEST(Tls, IsExplainedAsAFileThatGivesTheSame) {
  const auto loaded = load("listeners: {a: {tls: {cert: /x/a.pem, key: /x/a.key}}}");
  ASSERT_TRUE(loaded) << loaded.error().message;
  const std::string text = explain(*loaded);
  EXPECT_NE(text.find("certificates: [{cert: /x/a.pem, key: /x/a.key}] # `cert` and `key`"),
            std::string::npos)
      << text;
  const auto again = load(text);
  ASSERT_TRUE(again) << again.error().message << text;
  EXPECT_EQ(to_effective_text(again->configuration), to_effective_text(loaded->configuration));
}

TEST(Tls, BeforeAProgramIsEndedByProxies) {
  const auto loaded =
      load("listeners: {a: {tls: {cert: x}}}\npools: {app: {type: listen_fds, command: ./x}}");
  ASSERT_TRUE(loaded) << loaded.error().message;
  const Listener& listener = loaded->configuration.listeners.front();
  EXPECT_EQ(listener.via, Via::kProxy);
  EXPECT_EQ(loaded->configuration.find_pool(listener.pool)->type, PoolType::kProxy);
}

TEST(Tls, IsWhatWorkersGoBy) {
  const auto one = load("listeners: {a: {tls: {cert: x}}}");
  const auto other = load("listeners: {a: {tls: {cert: y}}}");
  EXPECT_NE(worker_text(one->configuration, one->configuration.pools.front()),
            worker_text(other->configuration, other->configuration.pools.front()));
}

// With somebody who knows certificates, and real files.
class TlsFiles : public testing::Test {
 protected:
  TlsFiles() {
    world_.tls = {.certificate = [](std::string_view cert,
                                    std::string_view key) -> std::vector<CertificateFinding> {
                    if (cert == "old") return {{.is_doubt = true, .what = "has expired"}};
                    if (key != "key of " + std::string(cert))
                      return {{.of_key = true, .what = "is not the key of the certificate"}};
                    return {};
                  },
                  .authorities = [](std::string_view pem) -> std::string {
                    return pem == "ca" ? "" : "holds no certificate";
                  },
                  .ciphers = [](const std::string& list) -> std::string {
                    return list == "none" ? "names no cipher suite" : "";
                  }};
    write("a.pem", "a");
    write("a.key", "key of a");
    write("old.pem", "old");
    write("ca.pem", "ca");
  }
  ~TlsFiles() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, std::string_view content) const {
    std::filesystem::create_directories(folder_);
    std::ofstream(folder_ + "/" + name) << content;
  }
  Result<Loaded> load_listener(const std::string& tls) const {
    return load_text("listeners:\n  a:\n    tls:\n" + tls, folder_ + "/t.yaml", {}, world_);
  }
  // Without the folder, which is everywhere.
  std::string errors(const std::string& tls) const {
    const auto loaded = load_listener(tls);
    std::string text = loaded ? "" : loaded.error().message;
    for (auto at = text.find(folder_); at != text.npos; at = text.find(folder_))
      text.erase(at, folder_.size() + 1);
    return text;
  }

  Surroundings world_ = surroundings();
  const std::string folder_ = testing::TempDir() + "tls_" +
                              testing::UnitTest::GetInstance()->current_test_info()->name() +
                              std::to_string(::getpid());
};

TEST_F(TlsFiles, GoodOnesAreNotSpokenOf) {
  EXPECT_EQ(errors("      cert: a.pem\n      key: a.key\n      client_ca: ca.pem\n"
                   "      client_auth: optional\n"),
            "");
}

TEST_F(TlsFiles, AreBlamedWhereTheyAreNamed) {
  EXPECT_EQ(errors("      cert: a.pem\n      key: none.key\n"),
            "t.yaml:5:12: listeners.a.tls.key: reading none.key: No such file or directory; "
            "expected a file that this user may read");
  EXPECT_EQ(errors("      certificates:\n        - {cert: a.pem, key: a.key}\n"
                   "        - {cert: a.pem, key: ca.pem}\n        - {cert: x.pem}\n"),
            "t.yaml:6:30: listeners.a.tls.certificates.2.key: ca.pem is not the key of the "
            "certificate\n"
            "t.yaml:7:18: listeners.a.tls.certificates.3.cert: reading x.pem: No such file or "
            "directory; expected a file that this user may read");
  EXPECT_EQ(errors("      cert: a.pem\n      key: a.key\n      client_auth: required\n"
                   "      client_ca: a.pem\n      ciphers: none\n"),
            "t.yaml:7:18: listeners.a.tls.client_ca: a.pem holds no certificate\n"
            "t.yaml:8:16: listeners.a.tls.ciphers: 'none' names no cipher suite");
}

TEST_F(TlsFiles, OneThatHasExpiredIsAWarning) {
  const auto loaded = load_listener("      cert: old.pem\n");
  ASSERT_TRUE(loaded) << loaded.error().message;
  ASSERT_EQ(loaded->warnings.size(), 1U);
  EXPECT_TRUE(loaded->warnings.front().ends_with("old.pem has expired")) << loaded->warnings[0];
  EXPECT_NE(loaded->warnings.front().find("t.yaml:4:13: listeners.a.tls.cert: "), std::string::npos)
      << loaded->warnings[0];
}

}  // namespace
}  // namespace roundhouse::config
