#include "upstream/outlier.h"

#include <gtest/gtest.h>

#include "upstream/retry_budget.h"

namespace roundhouse::upstream {
namespace {

using namespace std::chrono_literals;

class OutlierTest : public testing::Test {
 protected:
  OutlierTest() {
    config_.failures = 3;
    config_.window = 10s;
    config_.base = 10s;
    config_.max = 25s;
  }
  config::Upstream::Eject config_;
  Outlier outlier_{config_};
  Time now_{1000s};
};

TEST_F(OutlierTest, AsManyFailuresInARowAsConfiguredEject) {
  EXPECT_FALSE(outlier_.failed(now_));
  EXPECT_FALSE(outlier_.failed(now_));
  EXPECT_TRUE(outlier_.failed(now_));
}

TEST_F(OutlierTest, ASuccessBeginsTheCountAnew) {
  EXPECT_FALSE(outlier_.failed(now_));
  EXPECT_FALSE(outlier_.failed(now_));
  outlier_.succeeded();
  EXPECT_FALSE(outlier_.failed(now_));
}

TEST_F(OutlierTest, FailuresFarApartDoNotAddUp) {
  EXPECT_FALSE(outlier_.failed(now_));
  EXPECT_FALSE(outlier_.failed(now_));
  EXPECT_FALSE(outlier_.failed(now_ + 11s));
}

TEST_F(OutlierTest, NoFailuresConfiguredMeansNever) {
  config_.failures = 0;
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(outlier_.failed(now_));
}

TEST_F(OutlierTest, EachEjectionIsLongerUpToTheLongest) {
  outlier_.eject(now_);
  EXPECT_TRUE(outlier_.ejected(now_ + 9s));
  EXPECT_FALSE(outlier_.ejected(now_ + 10s));
  EXPECT_TRUE(outlier_.failed(now_ + 10s)) << "on probation one failure is enough";
  outlier_.eject(now_);
  EXPECT_EQ(outlier_.until(), now_ + 20s);
  outlier_.eject(now_);
  EXPECT_EQ(outlier_.until(), now_ + 25s);
}

TEST(RetryBudget, AllowsAShareOfTheRequests) {
  RetryBudget budget(20);
  const Time now{1000s};
  for (int i = 0; i < 1000; ++i) budget.request(now);
  int allowed = 0;
  while (budget.take(now)) ++allowed;
  EXPECT_EQ(allowed, 200);
}

TEST(RetryBudget, AllowsAFewHoweverFewTheRequestsAre) {
  RetryBudget budget(20);
  const Time now{1000s};
  int allowed = 0;
  while (budget.take(now)) ++allowed;
  EXPECT_EQ(allowed, 100);
  EXPECT_TRUE(budget.take(now + 60s)) << "it comes back with time";
}

}  // namespace
}  // namespace roundhouse::upstream
