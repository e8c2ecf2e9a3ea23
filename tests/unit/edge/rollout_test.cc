#include "edge/rollout.h"

#include <gtest/gtest.h>

namespace roundhouse::edge {
namespace {

using State = Rollout::State;
using Kind = Rollout::Step::Kind;
using Steps = Rollout::Steps;

TEST(RolloutTogether, ServesNobodyBeforeAllAreReadyAndThenAllAtOnce) {
  Rollout rollout({.starts = {1, 2}, .together = true});
  EXPECT_EQ(rollout.begin(), (Steps{{Kind::kStart, 1}, {Kind::kStart, 2}}));
  EXPECT_TRUE(rollout.ready(2).empty());
  EXPECT_EQ(rollout.state(), State::kTrying);
  EXPECT_TRUE(rollout.ready(1).empty());
  ASSERT_EQ(rollout.state(), State::kReady);
  EXPECT_EQ(rollout.commit(),
            (Steps{{Kind::kServe, 1}, {Kind::kRetire, 1}, {Kind::kServe, 2}, {Kind::kRetire, 2}}));
  EXPECT_EQ(rollout.state(), State::kDone);
  EXPECT_EQ(rollout.replaced(), 2u);
}

TEST(RolloutTogether, OneThatEndsTakesTheOthersBack) {
  Rollout rollout({.starts = {1, 2, 3}, .together = true});
  rollout.begin();
  rollout.ready(1);
  EXPECT_EQ(rollout.lost(2), (Steps{{Kind::kDrop, 1}, {Kind::kDrop, 2}, {Kind::kDrop, 3}}));
  EXPECT_EQ(rollout.state(), State::kFailed);
  EXPECT_EQ(rollout.lost_id(), 2u);
  EXPECT_TRUE(rollout.ready(3).empty());
}

TEST(RolloutTogether, OneThatWasReadyAndEndsBeforeTheCommitTakesTheOthersBackToo) {
  Rollout rollout({.starts = {1, 2}, .together = true});
  rollout.begin();
  rollout.ready(1);
  rollout.ready(2);
  EXPECT_FALSE(rollout.lost(1).empty());
  EXPECT_EQ(rollout.state(), State::kFailed);
}

TEST(RolloutInTurn, OneGoesFirstAndTheOthersFollowEachWhenTheOldOneIsGone) {
  Rollout rollout({.starts = {1, 2, 3}});
  EXPECT_EQ(rollout.begin(), (Steps{{Kind::kStart, 1}}));
  rollout.ready(1);
  ASSERT_EQ(rollout.state(), State::kReady);
  EXPECT_EQ(rollout.commit(), (Steps{{Kind::kServe, 1}, {Kind::kRetire, 1}}));
  EXPECT_EQ(rollout.gone(1), (Steps{{Kind::kStart, 2}}));
  EXPECT_EQ(rollout.ready(2), (Steps{{Kind::kServe, 2}, {Kind::kRetire, 2}}));
  EXPECT_EQ(rollout.state(), State::kGoing);
  EXPECT_EQ(rollout.gone(2), (Steps{{Kind::kStart, 3}}));
  rollout.ready(3);
  EXPECT_TRUE(rollout.gone(3).empty());
  EXPECT_EQ(rollout.state(), State::kDone);
}

TEST(RolloutInTurn, NeverMoreThanSurgeAreBusy) {
  Rollout rollout({.starts = {1, 2, 3, 4, 5}, .surge = 2});
  rollout.begin();
  rollout.ready(1);
  EXPECT_EQ(rollout.commit(), (Steps{{Kind::kServe, 1}, {Kind::kRetire, 1}, {Kind::kStart, 2}}));
  EXPECT_EQ(rollout.ready(2), (Steps{{Kind::kServe, 2}, {Kind::kRetire, 2}}));
  EXPECT_EQ(rollout.gone(2), (Steps{{Kind::kStart, 3}}));
  EXPECT_EQ(rollout.gone(1), (Steps{{Kind::kStart, 4}}));
}

TEST(RolloutInTurn, OneThatEndsStopsItAndWhatWasReplacedStays) {
  Rollout rollout({.starts = {1, 2, 3}});
  rollout.begin();
  rollout.ready(1);
  rollout.commit();
  rollout.gone(1);
  EXPECT_EQ(rollout.lost(2), (Steps{{Kind::kDrop, 2}}));
  EXPECT_EQ(rollout.state(), State::kFailed);
  EXPECT_EQ(rollout.replaced(), 1u);
  EXPECT_TRUE(rollout.gone(3).empty());
}

TEST(Rollout, OfNothingButLeavingIsReadyAtOnce) {
  Rollout rollout({.leaves = {3, 4}});
  EXPECT_TRUE(rollout.begin().empty());
  ASSERT_EQ(rollout.state(), State::kReady);
  EXPECT_EQ(rollout.commit(), (Steps{{Kind::kRetire, 3}, {Kind::kRetire, 4}}));
  EXPECT_EQ(rollout.state(), State::kDone);
}

TEST(Rollout, AbortEndsWhatDoesNotServeYet) {
  Rollout rollout({.starts = {1, 2}});
  rollout.begin();
  rollout.ready(1);
  EXPECT_EQ(rollout.abort(), (Steps{{Kind::kDrop, 1}}));
  EXPECT_EQ(rollout.state(), State::kFailed);
  EXPECT_TRUE(rollout.abort().empty());
}

}  // namespace
}  // namespace roundhouse::edge
