#include "monitor/request_guard.h"

#include <gtest/gtest.h>

#include <vector>

namespace roundhouse::monitor {
namespace {

const std::vector<std::string> kAllowed = {"monitor.example.com", "Gateway"};

TEST(RequestGuard, AnAddressLocalhostAndWhatIsAllowedMayBeNamed) {
  for (const char* host : {"127.0.0.1", "127.0.0.1:9901", "10.1.2.3:80", "[::1]", "[::1]:9901",
                           "[2001:db8::1]:1", "localhost", "LocalHost:9901", "monitor.example.com",
                           "MONITOR.example.com:8443", "gateway"})
    EXPECT_EQ(refusal_of(host, "", kAllowed), "") << host;
}

TEST(RequestGuard, NoOtherNameIsAnswered) {
  for (const char* host :
       {"evil.example", "evil.example:9901", "127.0.0.1.evil.example", "localhost.evil.example",
        "localhost:80@evil.example", "unix:/x", "unix", "9901", ":9901", "[evil]", "[::1",
        "x.monitor.example.com", "[]:1", "::1"})
    EXPECT_TRUE(refusal_of(host, "", kAllowed).starts_with("the Host is neither")) << host;
  EXPECT_EQ(refusal_of("", "", kAllowed), "the request has no Host");
}

TEST(RequestGuard, AnOriginMustBeTheSameHost) {
  EXPECT_EQ(refusal_of("localhost:9901", "http://localhost:9901", {}), "");
  EXPECT_EQ(refusal_of("Gateway", "https://gateway", kAllowed), "");
  for (const char* origin : {"null", "http://evil.example", "http://localhost", "localhost:9901",
                             "http://localhost:8000", "http://127.0.0.1:9901", "://", "http://"})
    EXPECT_EQ(refusal_of("localhost:9901", origin, {}),
              "the request comes from a page of another origin")
        << origin;
}

}  // namespace
}  // namespace roundhouse::monitor
