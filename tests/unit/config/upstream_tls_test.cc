#include "config/upstream_tls.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "config/effective.h"
#include "config/explain.h"
#include "world.h"

namespace roundhouse::config {
namespace {

struct Case {
  const char* name;
  const char* tls;
  const char* errors;
};
void PrintTo(const Case& test, std::ostream* out) {
  *out << test.name;
}  // NOLINT: GoogleTest's name

const Case kCases[] = {
    {"OnIsEnough", "servers: '10.0.0.1:443', tls: true", ""},
    {"OffMayHaveTheRest", "servers: '10.0.0.1:443', tls: {enabled: false, key: x}", ""},
    {"NeitherOnNorOff", "servers: '10.0.0.1:443', tls: perhaps",
     "t.yaml:1:47: upstreams.u.tls.enabled: 'perhaps' is neither; expected true or false"},
    {"AKeyNeedsItsCertificate", "servers: '10.0.0.1:443', tls: {key: x}",
     "t.yaml:1:53: upstreams.u.tls.key: is the key of no certificate; expected `cert` as well"},
    {"ANameIsThatOfAHost", "servers: '10.0.0.1:443', tls: {server_name: 'a b'}",
     "t.yaml:1:61: upstreams.u.tls.server_name: 'a b' is not the name of a host; expected as in "
     "app.example.com"},
    {"AnAddressIsANameAsWell", "servers: '[::1]:443', tls: {server_name: '::1'}", ""},
    {"NobodyVouchesForWhatNobodyLooksAt", "servers: '10.0.0.1:443', tls: {verify: false, ca: x}",
     "t.yaml:1:67: upstreams.u.tls.ca: vouches for certificates that nobody looks at; expected "
     "`verify: true`, or no such key"},
    {"SrvTellsNoName", "srv: _https._tcp.a.test, tls: true",
     "t.yaml:1:42: upstreams.u.tls: is for no name: `srv` does not say for which the certificates "
     "must be; expected `server_name`"},
    {"SrvWithANameIsGood", "srv: _https._tcp.a.test, tls: {server_name: a.test}", ""},
    {"AUnixSocketTellsNoName", "servers: 'unix:/x', tls: true",
     "t.yaml:1:37: upstreams.u.tls: is for no name: a unix socket does not say for which the "
     "certificates must be; expected `server_name`"},
    {"WithoutVerificationNoNameIsWanted", "servers: 'unix:/x', tls: {verify: false}", ""},
    {"TheMonitorHasNoKeys", "servers: '10.0.0.1:443', tls: {cert: x}, health: {path: /healthz}",
     "t.yaml:1:73: upstreams.u.health.path: is asked by the monitor, which has no key for "
     "`tls.cert`; expected `probe: connect`, or none"},
    {"TheMonitorMayConnect", "servers: '10.0.0.1:443', tls: {cert: x}, health: {probe: connect}",
     ""}};

class UpstreamTlsCheck : public testing::TestWithParam<Case> {};
TEST_P(UpstreamTlsCheck, IsMade) {
  EXPECT_EQ(errors_of("upstreams: {u: {" + std::string(GetParam().tls) + "}}"), GetParam().errors);
}
INSTANTIATE_TEST_SUITE_P(Configuration, UpstreamTlsCheck, testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

const Upstream& only_upstream(const Result<Loaded>& loaded) {
  EXPECT_TRUE(loaded) << loaded.error().message;
  return loaded->configuration.upstreams.front();
}

TEST(UpstreamTls, WorkersOfAPoolSpeakPlainText) {
  EXPECT_EQ(errors_of("upstreams: {u: {pool: app, tls: true}}\n"
                      "pools: {app: {type: port, command: ./x}}"),
            "t.yaml:1:28: upstreams.u.tls: is for servers, and workers of pools are spoken to on "
            "their private sockets; expected no such key");
}

TEST(UpstreamTls, PathsBeginAtTheFileAndTheKeyMayBeInTheCertificates) {
  const auto loaded =
      load_text("upstreams: {u: {servers: '10.0.0.1:443', tls: {ca: ca.pem, cert: a.pem}}}",
                "/etc/rh/t.yaml", {}, surroundings());
  const UpstreamTls& tls = only_upstream(loaded).tls;
  EXPECT_TRUE(tls.enabled);
  EXPECT_TRUE(tls.verify);
  EXPECT_EQ(tls.ca, "/etc/rh/ca.pem");
  EXPECT_EQ(tls.cert, "/etc/rh/a.pem");
  EXPECT_EQ(tls.key, "/etc/rh/a.pem");
}

TEST(UpstreamTls, CrossesAnExecAndIsExplained) {
  const auto loaded = load(
      "upstreams: {u: {servers: '10.0.0.1:443', tls: {verify: false, min_version: '1.3'}}, "
      "v: {servers: '10.0.0.1:80'}}\nroutes: [{upstream: u}]");
  ASSERT_TRUE(loaded) << loaded.error().message;
  const auto again = from_effective_text(to_effective_text(loaded->configuration));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(again->upstreams[0].tls.enabled);
  EXPECT_FALSE(again->upstreams[0].tls.verify);
  EXPECT_EQ(again->upstreams[0].tls.min_version, TlsVersion::k13);
  EXPECT_FALSE(again->upstreams[1].tls.enabled);
  const std::string text = explain(*loaded);
  const auto enabled = text.find("enabled: true ");
  ASSERT_NE(enabled, std::string::npos) << text;
  EXPECT_TRUE(text.substr(enabled, text.find('\n', enabled) - enabled).ends_with("# `tls` is set"));
  EXPECT_EQ(text.find("verify: true"), std::string::npos) << "of what has no TLS\n" << text;
}

TEST(UpstreamTls, WhoLooksAtNoCertificateIsWarned) {
  const auto loaded = load("upstreams: {u: {servers: '10.0.0.1:443', tls: {verify: false}}}");
  ASSERT_TRUE(loaded) << loaded.error().message;
  ASSERT_EQ(loaded->warnings.size(), 1U);
  EXPECT_EQ(loaded->warnings.front(),
            "t.yaml:1:56: upstreams.u.tls.verify: lets anyone between here and the servers of u "
            "answer in their place and read along; better `ca` with who vouches for them");
}

TEST(UpstreamTls, EndpointsAreAskedByTheNameThatIsWritten) {
  Upstream upstream;
  upstream.servers = {{"localhost:8443"}, {"[::1]:8443"}, {"10.0.0.1:8443"}, {"unix:/x"}};
  EXPECT_EQ(tls_name_of(upstream, "localhost:8443"), "localhost");
  EXPECT_EQ(tls_name_of(upstream, "[::1]:8443"), "::1");
  EXPECT_EQ(tls_name_of(upstream, "10.0.0.1:8443"), "10.0.0.1");
  EXPECT_EQ(tls_name_of(upstream, "unix:/x"), "");
  upstream.dns = "app.test:8443";
  EXPECT_EQ(tls_name_of(upstream, "10.0.0.9:8443"), "app.test");
  EXPECT_EQ(tls_name_of(upstream, "10.0.0.1:8443"), "10.0.0.1") << "one of `servers` beside it";
  upstream.tls.server_name = "other.test";
  EXPECT_EQ(tls_name_of(upstream, "10.0.0.1:8443"), "other.test");
}

TEST(UpstreamTls, NothingIsOfferedWhereClientsSpeakWhatTheyLike) {
  const auto loaded = load(
      "listeners: {a: {bind: 1, protocol: tcp, upstream: db}, b: {bind: 2}}\n"
      "upstreams: {db: {servers: '10.0.0.1:1', tls: true}, site: {servers: '10.0.0.1:2', tls: "
      "true}}\nroutes: [{upstream: site}]");
  ASSERT_TRUE(loaded) << loaded.error().message;
  const Configuration& configuration = loaded->configuration;
  EXPECT_TRUE(protocols_offered(configuration, *configuration.find_upstream("db")).empty());
  EXPECT_EQ(protocols_offered(configuration, *configuration.find_upstream("site")),
            (std::vector<std::string>{"h2", "http/1.1"}));
}

TEST(UpstreamTls, BrokenFilesAreBlamedWhereTheyAreNamed) {
  Surroundings world = surroundings();
  world.tls = {
      .certificate = [](std::string_view, std::string_view) -> std::vector<CertificateFinding> {
        return {};
      },
      .authorities = [](std::string_view) -> std::string { return "holds none"; },
      .ciphers = [](const std::string&) -> std::string { return "names no cipher"; }};
  const std::string folder = testing::TempDir() + "upstream_tls_files" + std::to_string(::getpid());
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/ca.pem") << "x";
  const auto loaded = load_text(
      "upstreams: {u: {servers: '10.0.0.1:1', tls: {ca: ca.pem, cert: none.pem, ciphers: X}}}",
      folder + "/t.yaml", {}, world);
  std::filesystem::remove_all(folder);
  ASSERT_FALSE(loaded);
  std::string text = loaded.error().message;
  for (auto at = text.find(folder); at != text.npos; at = text.find(folder))
    text.erase(at, folder.size() + 1);
  EXPECT_EQ(text,
            "t.yaml:1:50: upstreams.u.tls.ca: ca.pem holds none\n"
            "t.yaml:1:64: upstreams.u.tls.cert: reading none.pem: No such file or directory; "
            "expected a file that this user may read\n"
            "t.yaml:1:83: upstreams.u.tls.ciphers: 'X' names no cipher");
}

}  // namespace
}  // namespace roundhouse::config
