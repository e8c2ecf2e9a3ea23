// What is taken back from workers that do not take, and what a lying slot can do.
#include "dispatched_pool.h"

namespace roundhouse::edge {
namespace {

using DispatcherStallTest = DispatchedPool;

TEST_F(DispatcherStallTest, AStalledWorkersConnectionsGoToOneWithNothingUntaken) {
  offer(6);
  port(1).take_all();
  pass_stall();
  EXPECT_EQ(lying(), (Sizes{0, 3}));
  EXPECT_TRUE(dispatcher_->stalled(0));
  port(1).take_all();
  EXPECT_EQ(served(), (Ids{1, 2, 3, 4, 5, 6}));
  expect_counts_agree(0);
  EXPECT_EQ(dispatcher_->counts(0).taken_back, 3u);
}

TEST_F(DispatcherStallTest, NothingMovesBeforeTheStallTimeIsOver) {
  offer(2);
  port(1).take_all();
  pass(pool_.handoff.stall - 1ns);
  dispatcher_->observe(now_);
  EXPECT_EQ(lying(), (Sizes{1, 0}));
  pass(1ns);
  dispatcher_->observe(now_);
  EXPECT_EQ(lying(), (Sizes{0, 1}));
}

// Its clients have their sessions there: another worker would know nothing of them.
TEST_F(DispatcherStallTest, UnderStickyAWorkerThatServesKeepsItsConnectionsUntilItIsSuspect) {
  set_up({.workers = 2, .policy = config::Policy::kSticky});
  offer(3);  // of one address
  const std::size_t its = lying()[0] == 3 ? 0 : 1;
  pass(pool_.liveness.suspect - 1ns);
  dispatcher_->observe(now_);
  EXPECT_EQ(port(its).lying(), 3u);
  offer(1);
  EXPECT_EQ(port(its).lying(), 4u);
  pass(1ns);
  dispatcher_->observe(now_);
  EXPECT_EQ(port(1 - its).lying(), 4u);
}

TEST_F(DispatcherStallTest,
       UnderStickyAWorkerThatDoesNotServeLosesItsConnectionsAfterTheStallTime) {
  set_up({.workers = 2, .policy = config::Policy::kSticky});
  offer(3);
  const std::size_t its = lying()[0] == 3 ? 0 : 1;
  dispatcher_->serve(its, false);
  pass_stall();
  EXPECT_EQ(port(1 - its).lying(), 3u);
}

TEST_F(DispatcherStallTest, NothingMovesWhileNobodyElseIsFree) {
  offer(2);
  pass_stall();
  EXPECT_EQ(lying(), (Sizes{1, 1}));
  EXPECT_FALSE(dispatcher_->stalled(0));
}

TEST_F(DispatcherStallTest, AStalledWorkerIsEligibleAgainWhenItReadsItsNudge) {
  offer(2);
  port(1).take_all();
  pass_stall();
  offer(2);
  EXPECT_EQ(lying(), (Sizes{0, 3}));
  take_all();
  offer(2);
  EXPECT_EQ(lying(), (Sizes{1, 1}));
  EXPECT_FALSE(dispatcher_->stalled(0));
}

TEST_F(DispatcherStallTest, ANudgeThatDidNotFitIsSentAgain) {
  offer(2);
  port(1).take_all();
  port(0).nudge_answer = ipc::Sent::kFull;
  pass_stall();
  EXPECT_TRUE(dispatcher_->stalled(0));
  EXPECT_TRUE(dispatcher_->busy());
  port(0).nudge_answer = ipc::Sent::kYes;
  pass_stall();
  take_all();
  dispatcher_->observe(now_);
  EXPECT_FALSE(dispatcher_->stalled(0));
}

TEST_F(DispatcherStallTest, AConnectionIsMovedAwayFromAWorkerOnlyOnce) {
  offer(2);
  for (int round = 0; round < 10; ++round) {
    // Whoever has it does not take it, and the other is free each time.
    const std::size_t with = lying()[0] > 0 ? 0 : 1;
    port(1 - with).take_all();
    pass_stall();
  }
  EXPECT_LE(dispatcher_->counts(0).taken_back, 1u);
  EXPECT_LE(dispatcher_->counts(1).taken_back, 1u);
  take_all();
  EXPECT_EQ(served(), (Ids{1, 2}));
}

TEST_F(DispatcherStallTest, AMovedConnectionPrefersAWorkerWhereItHasNotBeen) {
  set_up({.workers = 3});
  offer(1);
  pass_stall();
  ASSERT_EQ(lying(), (Sizes{0, 1, 0}));
  port(0).take_all();  // reads its nudge: eligible again
  pass_stall();
  EXPECT_EQ(lying(), (Sizes{0, 0, 1}));
}

TEST_F(DispatcherStallTest, AUniformlySlowPoolDoesNotShuffle) {
  set_up({.workers = 4});
  offer(40);
  for (int i = 0; i < 20; ++i) pass_stall();
  EXPECT_EQ(lying(), (Sizes{10, 10, 10, 10}));
  for (std::size_t worker = 0; worker < 4; ++worker)
    EXPECT_EQ(dispatcher_->counts(worker).taken_back, 0u);
}

TEST_F(DispatcherStallTest, AWorkerThatDoesNotServeLosesWhatItLeavesUntakenToAnybodyEligible) {
  offer(6);
  dispatcher_->serve(0, false);
  pass_stall();
  EXPECT_EQ(lying(), (Sizes{0, 6}));
}

TEST_F(DispatcherStallTest, SayingTooMuchIsTakenHarmsOnlyTheLiar) {
  port(0).says_taken = ~std::uint64_t{0};
  for (int i = 0; i < 50; ++i) {
    offer(2);
    port(1).take_all();
    pass_stall();
  }
  dispatcher_->detach(0, now_);
  port(1).take_all();
  dispatcher_->observe(now_);
  const Ids all = served();
  EXPECT_EQ(all.size(), 100u);
  EXPECT_EQ(std::ranges::adjacent_find(all), all.end());
  expect_counts_agree(0);
  expect_counts_agree(1);
}

TEST_F(DispatcherStallTest, ALyingWorkerMakesNoCounterGoBack) {
  offer(2);
  port(0).says_taken = 1000;
  dispatcher_->observe(now_);
  const std::uint64_t taken = dispatcher_->counts(0).taken;
  dispatcher_->detach(0, now_);
  EXPECT_GE(dispatcher_->counts(0).taken, taken);
  expect_counts_agree(0);
}

TEST_F(DispatcherStallTest, SayingNothingIsTakenMakesTheLiarIneligible) {
  pool_.handoff.depth = 4;
  set_up(pool_);
  for (int i = 0; i < 20; ++i) {
    offer(2);
    take_all();
    port(0).says_taken = 0;
  }
  EXPECT_EQ(port(0).served.size(), 4u);
  EXPECT_EQ(served().size(), 40u);
}

TEST_F(DispatcherStallTest, ATakenThatGoesBackChangesNothing) {
  offer(4);
  take_all();
  dispatcher_->observe(now_);
  port(0).says_taken = 0;
  dispatcher_->observe(now_);
  EXPECT_EQ(dispatcher_->untaken(0), 0u);
  expect_counts_agree(0);
}

TEST_F(DispatcherStallTest, StickyGoesElsewhereWhileItsWorkerIsStalledAndComesBack) {
  set_up({.workers = 4, .policy = config::Policy::kSticky});
  offer(1);
  const Sizes counts = lying();
  const auto at = static_cast<std::size_t>(std::ranges::find(counts, 1u) - counts.begin());
  pass(pool_.liveness.suspect);
  dispatcher_->observe(now_);
  EXPECT_EQ(port(at).lying(), 0u);
  take_all();
  offer(1);
  EXPECT_EQ(port(at).lying(), 1u);
}

TEST_F(DispatcherStallTest, ADeadStalledWorkerDoesNotKeepThePoolBusy) {
  offer(2);
  port(1).take_all();
  pass_stall();
  dispatcher_->detach(0, now_);
  port(1).take_all();
  dispatcher_->observe(now_);
  EXPECT_FALSE(dispatcher_->busy());
}

}  // namespace
}  // namespace roundhouse::edge
