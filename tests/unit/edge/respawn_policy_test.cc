#include "edge/respawn_policy.h"

#include <gtest/gtest.h>

#include <optional>

namespace roundhouse::edge {
namespace {

using namespace std::chrono_literals;

const Time kStart = Time(1000s);
constexpr double kMiddle = 0.5;  // the random number that leaves a delay as it is

class RespawnPolicyTest : public ::testing::Test {
 protected:
  Respawn crash(Time now, double random = kMiddle) {
    return policy_->after_exit(now, true, false, random);
  }
  void use_up_the_burst() {
    for (std::uint32_t i = 0; i < options_.burst; ++i)
      ASSERT_EQ(crash(kStart).delay, Duration::zero());
  }

  config::Pool::Restart options_{.refill = 1h};  // no token comes back unless a test wants it
  std::optional<RespawnPolicy> policy_{std::in_place, options_, kStart};
};

TEST_F(RespawnPolicyTest, TheBurstIsRestartedAtOnceAndTheNextOnePauses) {
  use_up_the_burst();
  EXPECT_EQ(crash(kStart).delay, 500ms);
}

TEST_F(RespawnPolicyTest, PausesDoubleUpToTheCeiling) {
  use_up_the_burst();
  for (const Duration expected : {500ms, 1000ms, 2000ms, 4000ms, 5000ms, 5000ms})
    EXPECT_EQ(crash(kStart).delay, expected);
}

TEST_F(RespawnPolicyTest, APauseVariesByTwentyPercentEitherWay) {
  use_up_the_burst();
  EXPECT_EQ(crash(kStart, 0.0).delay, 400ms);
  EXPECT_EQ(crash(kStart, 1.0).delay, 1200ms);
}

TEST_F(RespawnPolicyTest, ATokenComesBackEachRefillAndResetsTheDoubling) {
  options_.refill = 10s;
  policy_.emplace(options_, kStart);
  use_up_the_burst();
  EXPECT_EQ(crash(kStart).delay, 500ms);
  EXPECT_EQ(crash(kStart + 9s).delay, 1s);
  EXPECT_EQ(crash(kStart + 10s).delay, Duration::zero());
  EXPECT_EQ(crash(kStart + 10s).delay, 500ms);
}

TEST_F(RespawnPolicyTest, TheBucketNeverHoldsMoreThanTheBurst) {
  options_.refill = 1ms;
  policy_.emplace(options_, kStart);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(crash(kStart + 1h).delay, Duration::zero());
  EXPECT_EQ(crash(kStart + 1h).delay, 500ms);
}

TEST_F(RespawnPolicyTest, WithoutABurstEvenTheFirstRestartPauses) {
  options_.burst = 0;
  policy_.emplace(options_, kStart);
  EXPECT_EQ(crash(kStart + 1h).delay, 500ms);
}

TEST_F(RespawnPolicyTest, TheLastReadyPlaceWaitsAtMostOneSecond) {
  use_up_the_burst();
  for (int i = 0; i < 10; ++i) EXPECT_LE(policy_->after_exit(kStart, true, true, 0.99).delay, 1s);
}

TEST_F(RespawnPolicyTest, FiveStartsThatNeverBecameReadyAreQuarantined) {
  for (int i = 0; i < 4; ++i)
    EXPECT_FALSE(policy_->after_exit(kStart, false, false, kMiddle).quarantined) << i;
  const Respawn fifth = policy_->after_exit(kStart, false, false, kMiddle);
  EXPECT_TRUE(fifth.quarantined);
  EXPECT_EQ(fifth.delay, 30s);
}

TEST_F(RespawnPolicyTest, AQuarantinedPlaceIsProbedEachThirtySecondsForEver) {
  for (int i = 0; i < 4; ++i) policy_->after_exit(kStart, false, false, kMiddle);
  for (int i = 0; i < 1000; ++i) {
    const Respawn probe = policy_->after_exit(kStart + i * 30s, false, false, kMiddle);
    EXPECT_TRUE(probe.quarantined);
    EXPECT_EQ(probe.delay, 30s);
  }
}

TEST_F(RespawnPolicyTest, AWorkerThatBecameReadyIsNeverQuarantinedHoweverOftenItDies) {
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(crash(kStart).quarantined);
}

TEST_F(RespawnPolicyTest, OneReadyWorkerEndsTheCountOfFailedStarts) {
  for (int i = 0; i < 4; ++i) policy_->after_exit(kStart, false, false, kMiddle);
  EXPECT_FALSE(crash(kStart).quarantined);
  for (int i = 0; i < 4; ++i)
    EXPECT_FALSE(policy_->after_exit(kStart, false, false, kMiddle).quarantined);
}

TEST_F(RespawnPolicyTest, AFailedSpawnIsNeverTriedAgainAtOnce) {
  EXPECT_EQ(policy_->after_failed_spawn(kStart, false, kMiddle).delay, 500ms);
  EXPECT_EQ(policy_->after_failed_spawn(kStart, false, kMiddle).delay, 1s);
  EXPECT_LE(policy_->after_failed_spawn(kStart, true, kMiddle).delay, 1s);
}

TEST_F(RespawnPolicyTest, FailedSpawnsCountAsFailedStarts) {
  for (int i = 0; i < 4; ++i)
    EXPECT_FALSE(policy_->after_failed_spawn(kStart, false, kMiddle).quarantined);
  EXPECT_TRUE(policy_->after_failed_spawn(kStart, false, kMiddle).quarantined);
}

}  // namespace
}  // namespace roundhouse::edge
