#include <gtest/gtest.h>

#include <string>

#include "config/effective.h"
#include "config/explain.h"
#include "world.h"

namespace roundhouse::config {
namespace {

struct Case {
  const char* name;
  const char* file;
  const char* errors;
};
void PrintTo(const Case& test, std::ostream* out) {
  *out << test.name;
}  // NOLINT: GoogleTest's name

const Case kCases[] = {
    {"SomebodyMustBeBelieved", "listeners: {a: {proxy_protocol: require}}",
     "t.yaml:1:33: listeners.a.proxy_protocol: believes nobody; expected `proxy_protocol_from` "
     "with "
     "the networks of the balancers in front, as in [10.0.0.0/8]"},
    {"NobodyIsBelievedWithoutIt", "listeners: {a: {proxy_protocol_from: [10.0.0.0/8]}}",
     "t.yaml:1:38: listeners.a.proxy_protocol_from: is for listeners that expect a header; "
     "expected "
     "`proxy_protocol: require`, or no such key"},
    {"ItIsOffOrRequired", "listeners: {a: {proxy_protocol: on, proxy_protocol_from: [10.0.0.1]}}",
     "t.yaml:1:33: listeners.a.proxy_protocol: 'on' is not known; expected one of off, require"},
    {"NetworksAreNumeric",
     "listeners: {a: {proxy_protocol: require, proxy_protocol_from: [balancer]}}",
     "t.yaml:1:64: listeners.a.proxy_protocol_from: 'balancer' is not a network: 'balancer' is "
     "neither a numeric address nor unix; expected an address, a network such as 10.0.0.0/8, unix, "
     "or a list of these"},
    {"NativeProgramsReadNone",
     "listeners: {a: {proxy_protocol: require, proxy_protocol_from: unix}}\n"
     "pools: {p: {type: native, command: ./x}}",
     "t.yaml:1:33: listeners.a.proxy_protocol: is read by built-in workers, and those of pool p "
     "are "
     "a program of type native; expected no such key"},
    {"DirectProgramsReadNone",
     "listeners: {a: {via: direct, proxy_protocol: require, proxy_protocol_from: unix}}\n"
     "pools: {p: {type: node, command: ./x}}",
     "t.yaml:1:22: listeners.a.via: direct, and proxy_protocol is set, which the program knows "
     "nothing of; expected proxy, or no such keys"},
    {"ItsTimeLimitIsThatOfTheHandshake",
     "listeners: {a: {proxy_protocol: require, proxy_protocol_from: unix, timeouts: {handshake: "
     "1s}}}",
     ""},
    {"ItIsForTcpAsWell",
     "listeners: {a: {protocol: tcp, proxy_protocol: require, proxy_protocol_from: unix}}\n"
     "upstreams: {u: {servers: '127.0.0.1:1', proxy_protocol: v1}}",
     ""},
    {"ServersAreToldInAVersion", "upstreams: {u: {servers: '127.0.0.1:1', proxy_protocol: v3}}",
     "t.yaml:1:57: upstreams.u.proxy_protocol: 'v3' is not known; expected one of off, v1, v2; did "
     "you mean 'v1'?"},
    {"ProgramsOfOursAreToldNothing",
     "pools: {p: {type: node, command: ./x}}\nupstreams: {u: {pool: p, proxy_protocol: v2}}",
     "t.yaml:2:42: upstreams.u.proxy_protocol: is for servers, and the endpoints of this upstream "
     "are workers of pool p; expected no such key"}};

class ProxyProtocolCheck : public testing::TestWithParam<Case> {};
TEST_P(ProxyProtocolCheck, IsMade) { EXPECT_EQ(errors_of(GetParam().file), GetParam().errors); }
INSTANTIATE_TEST_SUITE_P(All, ProxyProtocolCheck, testing::ValuesIn(kCases),
                         [](const auto& info) { return info.param.name; });

TEST(ProxyProtocol, IsExplainedAsAFileThatGivesTheSame) {
  const auto loaded = load(
      "listeners: {a: {proxy_protocol: require, proxy_protocol_from: [10.0.0.0/8, unix]}}\n"
      "upstreams: {u: {servers: '127.0.0.1:1', proxy_protocol: v2}}");
  ASSERT_TRUE(loaded) << loaded.error().message;
  const std::string text = explain(*loaded);
  const auto again = load(text);
  ASSERT_TRUE(again) << again.error().message << text;
  const Listener& listener = again->configuration.listeners.front();
  EXPECT_EQ(listener.proxy_protocol, ProxyProtocol::kRequire);
  EXPECT_EQ(listener.proxy_protocol_from.size(), 2U);
  EXPECT_EQ(again->configuration.upstreams.front().proxy_protocol, ProxyHeader::kV2);
  EXPECT_EQ(to_effective_text(again->configuration), to_effective_text(loaded->configuration));
}

TEST(ProxyProtocol, WhereItIsOffNobodyIsNamed) {
  const auto loaded = load("listeners: {a: {}}");
  ASSERT_TRUE(loaded) << loaded.error().message;
  const std::string text = explain(*loaded);
  EXPECT_NE(text.find("proxy_protocol: off"), std::string::npos) << text;
  EXPECT_EQ(text.find("proxy_protocol_from"), std::string::npos) << text;
  EXPECT_EQ(text.find("handshake"), std::string::npos) << text;
}

TEST(ProxyProtocol, BeforeAProgramIsReadByProxies) {
  const auto loaded = load(
      "listeners: {a: {proxy_protocol: require, proxy_protocol_from: unix}}\n"
      "pools: {app: {type: listen_fds, command: ./x}}");
  ASSERT_TRUE(loaded) << loaded.error().message;
  const Listener& listener = loaded->configuration.listeners.front();
  EXPECT_EQ(listener.via, Via::kProxy);
  EXPECT_EQ(loaded->configuration.find_pool(listener.pool)->type, PoolType::kProxy);
}

}  // namespace
}  // namespace roundhouse::config
