#include "monitor/probe_state.h"

#include <gtest/gtest.h>

namespace roundhouse::monitor {
namespace {

using namespace std::chrono_literals;
using Change = ProbeState::Change;

class ProbeStateTest : public testing::Test {
 protected:
  ProbeStateTest() {
    health_.interval = 10s;
    health_.fall = 3;
    health_.rise = 2;
  }
  Change ended(ProbeState& state, bool well, double dice = 0.5) {
    return state.ended(well, state.due(), dice);
  }

  config::Upstream::Health health_;
  const Time start_ = Time(1h);
};

TEST_F(ProbeStateTest, FallsAfterSoManyFailuresInARow) {
  ProbeState state(health_, true, start_);
  EXPECT_EQ(ended(state, false), Change::kNone);
  EXPECT_EQ(ended(state, false), Change::kNone);
  EXPECT_EQ(ended(state, true), Change::kNone);
  EXPECT_EQ(ended(state, false), Change::kNone);
  EXPECT_EQ(ended(state, false), Change::kNone);
  EXPECT_TRUE(state.healthy());
  EXPECT_EQ(ended(state, false), Change::kFell);
  EXPECT_FALSE(state.healthy());
  EXPECT_EQ(ended(state, false), Change::kNone);
}

TEST_F(ProbeStateTest, RisesAfterSoManySuccessesInARow) {
  ProbeState state(health_, false, start_);
  EXPECT_EQ(ended(state, true), Change::kNone);
  EXPECT_EQ(ended(state, false), Change::kNone);
  EXPECT_EQ(ended(state, true), Change::kNone);
  EXPECT_EQ(ended(state, true), Change::kRose);
  EXPECT_TRUE(state.healthy());
}

TEST_F(ProbeStateTest, OneFailureIsEnoughIfThatIsWished) {
  health_.fall = 1;
  ProbeState state(health_, true, start_);
  EXPECT_EQ(ended(state, false), Change::kFell);
}

TEST_F(ProbeStateTest, TheFirstProbeIsDueAtOnceAndTheSecondAnyTimeAroundTheInterval) {
  for (const auto& [dice, wait] : {std::pair{0.0, 5s}, {0.5, 10s}, {1.0, 15s}}) {
    ProbeState state(health_, true, start_);
    EXPECT_EQ(state.due(), start_);
    ended(state, true, dice);
    EXPECT_EQ(state.due(), start_ + wait);
  }
}

TEST_F(ProbeStateTest, LaterOnesFollowInAnIntervalTenPercentMoreOrLess) {
  for (const auto& [dice, wait] : {std::pair{0.0, 9s}, {1.0, 11s}}) {
    ProbeState state(health_, true, start_);
    ended(state, true);
    const Time second = state.due();
    ended(state, true, dice);
    EXPECT_NEAR(seconds(state.due() - second), seconds(wait), 1e-6);
  }
}

TEST_F(ProbeStateTest, OneThatCouldNotBeMadeSaysNothing) {
  health_.fall = 1;
  ProbeState state(health_, true, start_);
  state.postpone(start_ + 1s);
  EXPECT_TRUE(state.healthy());
  EXPECT_EQ(state.due(), start_ + 11s);
}

}  // namespace
}  // namespace roundhouse::monitor
