#include "proxy/rate_limiter.h"

#include <gtest/gtest.h>

namespace roundhouse::proxy {
namespace {

using namespace std::chrono_literals;

constexpr config::Rate kTwoAMinute{.count = 2, .per = 1min};
const Time kNow{1h};

class RateLimiterTest : public testing::Test {
 protected:
  bool takes(std::size_t route, const char* host) {
    return limiter.take(route, kTwoAMinute, *Address::parse(host), kNow).allowed;
  }

  ipc::Limits limits = std::move(ipc::Limits::create({.places = 1}, kNow).value());
  RateLimiter limiter{&limits};
};

TEST_F(RateLimiterTest, EachRouteAndAddressHasItsOwnBucket) {
  for (const std::size_t route : {0, 1}) {
    for (const char* host : {"10.0.0.1:1", "10.0.0.2:1", "[2001:db8::1]:1"}) {
      EXPECT_TRUE(takes(route, host));
      EXPECT_TRUE(takes(route, host));
      EXPECT_FALSE(takes(route, host));
    }
  }
  EXPECT_FALSE(takes(0, "10.0.0.1:2")) << "the port is not the client";
  EXPECT_FALSE(takes(0, "[2001:db8::2]:1")) << "nor is the rest of its /64";
}

TEST_F(RateLimiterTest, ARefusalSaysWhenToComeAgain) {
  takes(0, "10.0.0.1:1");
  takes(0, "10.0.0.1:1");
  const ipc::Verdict verdict =
      limiter.take(0, kTwoAMinute, *Address::parse("10.0.0.1:1"), kNow + 10s);
  EXPECT_FALSE(verdict.allowed);
  EXPECT_EQ(verdict.retry_after, 20s);
}

TEST_F(RateLimiterTest, WithoutARateOrWithoutMemoryNothingIsLimited) {
  RateLimiter free(nullptr);
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(limiter.take(0, {}, *Address::parse("10.0.0.1:1"), kNow).allowed);
    EXPECT_TRUE(free.take(0, kTwoAMinute, *Address::parse("10.0.0.1:1"), kNow).allowed);
  }
}

}  // namespace
}  // namespace roundhouse::proxy
