// What the supervisor does when time passes: boot, heartbeats, drains, recycling, a paused edge.
#include "supervised_pool.h"

namespace roundhouse::edge {
namespace {

using SupervisorDeadlinesTest = SupervisedPool;

TEST_F(SupervisorDeadlinesTest, AWorkerThatIsNotReadyInTimeIsAbortedThenKilled) {
  ready(1);
  silent_[0] = true;
  pass(59900ms);
  EXPECT_EQ(signals(SIGABRT), 0);
  pass(100ms);
  EXPECT_EQ(signals(SIGABRT), 1);
  pass(400ms);
  EXPECT_EQ(signals(SIGKILL), 0);
  pass(100ms);
  EXPECT_EQ(signals(SIGKILL), 1);
  const Obituary obituary = exit(0, {.signal = SIGKILL});
  EXPECT_EQ(obituary.reason, ExitReason::kBootTimeout);
  EXPECT_FALSE(obituary.was_ready);
}

TEST_F(SupervisorDeadlinesTest, AReadyAfterTheBootTimeoutComesTooLate) {
  pass(60s);
  forget();
  ready(0);
  EXPECT_EQ(count(Kind::kServe), 0);
}

TEST_F(SupervisorDeadlinesTest, AHeartbeatLateByOneSecondRestsTheWorkerAndOneMoreBringsItBack) {
  set_up_ready({.workers = 2});
  forget();
  silent_[0] = true;
  pass(900ms);
  EXPECT_EQ(count(Kind::kRest), 0);
  pass(100ms);
  EXPECT_EQ(count(Kind::kRest), 1);
  pass(900ms);
  EXPECT_EQ(count(Kind::kRest), 1);
  silent_[0] = false;
  pass(100ms);
  EXPECT_EQ(count(Kind::kServe), 1);
  pass(10s);
  EXPECT_EQ(signals(SIGABRT), 0);
}

TEST_F(SupervisorDeadlinesTest, AHungWorkerIsAbortedAtTwoSecondsAndKilledHalfASecondLater) {
  set_up_ready({.workers = 2});
  silent_[0] = true;
  pass(1900ms);
  EXPECT_EQ(signals(SIGABRT), 0);
  pass(100ms);
  EXPECT_EQ(signals(SIGABRT), 1);
  pass(400ms);
  EXPECT_EQ(signals(SIGKILL), 0);
  pass(100ms);
  EXPECT_EQ(signals(SIGKILL), 1);
  EXPECT_EQ(exit(0, {.signal = SIGKILL}).reason, ExitReason::kHang);
}

TEST_F(SupervisorDeadlinesTest, AWorkerThatOwesAnAnswerForThirtySecondsHangs) {
  set_up_ready({.workers = 2});
  seen_[0].unanswered_since = now_;
  pass(29900ms);
  EXPECT_EQ(signals(SIGABRT), 0);
  pass(100ms);
  EXPECT_EQ(signals(SIGABRT), 1);
  EXPECT_EQ(exit(0, {.signal = SIGABRT}).reason, ExitReason::kHang);
}

TEST_F(SupervisorDeadlinesTest, OneThatFailedItsProbesIsAbortedThenKilled) {
  set_up_ready({.workers = 2});
  pass(1s);
  told(supervisor_->hangs(0, now_ - 500ms, false, now_));
  EXPECT_EQ(signals(SIGABRT), 1);
  told(supervisor_->hangs(0, now_ - 500ms, false, now_));
  EXPECT_EQ(signals(SIGABRT), 1) << "once";
  pass(500ms);
  EXPECT_EQ(signals(SIGKILL), 1);
  EXPECT_EQ(exit(0, {.signal = SIGKILL}).reason, ExitReason::kHang);
  told(supervisor_->hangs(1, now_ - 500ms, true, now_));
  EXPECT_EQ(signals(SIGKILL), 2) << "one that is stopped acts on no other signal";
  EXPECT_EQ(exit(1, {.signal = SIGKILL}).reason, ExitReason::kHang);
}

TEST_F(SupervisorDeadlinesTest, ProbesThatBeganBeforeThisProcessOrBeforeAPauseCountForNothing) {
  set_up({.workers = 2});
  told(supervisor_->hangs(0, now_, false, now_));
  EXPECT_EQ(signals(SIGABRT), 0) << "it is not ready";
  const Time before = now_;
  pass(1s);
  ready(0);
  told(supervisor_->hangs(0, before, false, now_));
  EXPECT_EQ(signals(SIGABRT), 0);
  pass(1s);
  const Time while_it_was_well = now_;
  pause(501ms);
  told(supervisor_->hangs(0, while_it_was_well, false, now_));
  EXPECT_EQ(signals(SIGABRT), 0);
  tick_once();
  told(supervisor_->hangs(0, while_it_was_well, false, now_));
  EXPECT_EQ(signals(SIGABRT), 0);
  told(supervisor_->hangs(0, now_, false, now_));
  EXPECT_EQ(signals(SIGABRT), 1);
}

TEST_F(SupervisorDeadlinesTest, AnAbortThatAShellTellsByItsExitCodeIsAHang) {
  set_up_ready({.workers = 2});
  told(supervisor_->hangs(0, now_, false, now_));
  EXPECT_EQ(exit(0, {.code = 128 + SIGABRT}).reason, ExitReason::kHang);
  EXPECT_EQ(exit(1, {.code = 128 + SIGABRT}).reason, ExitReason::kCrash);
}

TEST_F(SupervisorDeadlinesTest, AStoppedWorkerThatOwesAnAnswerIsKilledAtOnce) {
  set_up_ready({.workers = 2});
  seen_[0].unanswered_since = now_;
  seen_[0].stopped = true;
  pass(30s);
  EXPECT_EQ(signals(SIGABRT), 0);
  EXPECT_EQ(signals(SIGKILL), 1);
}

TEST_F(SupervisorDeadlinesTest, TimeInWhichTheEdgeDidNotRunIsNotOwed) {
  set_up_ready({.workers = 2});
  seen_[0].unanswered_since = now_;
  now_ += 60s;
  tick_once();
  EXPECT_EQ(signals(SIGABRT), 0);
  pass(30s);
  EXPECT_EQ(signals(SIGABRT), 1);
}

TEST_F(SupervisorDeadlinesTest, AnAnnouncedExitIsNoCrashWhateverItsCode) {
  set_up_ready({.workers = 2});
  EXPECT_EQ(exit(0, {.code = 3, .announced = true}).reason, ExitReason::kExited);
  EXPECT_EQ(exit(1, {.code = 3}).reason, ExitReason::kCrash);
}

TEST_F(SupervisorDeadlinesTest, AHungWorkerIsReplacedWhenItIsDeadAndNotBeside) {
  set_up_ready({.workers = 2});
  forget();
  silent_[0] = true;
  pass(2400ms);
  EXPECT_EQ(count(Kind::kStart), 0);
  EXPECT_EQ(exit(0, {.signal = SIGABRT}).reason, ExitReason::kHang);
  EXPECT_EQ(count(Kind::kStart), 1);
}

TEST_F(SupervisorDeadlinesTest, AStoppedWorkerIsKilledAtOnceSinceItActsOnNoOtherSignal) {
  set_up_ready({.workers = 2});
  silent_[0] = seen_[0].stopped = true;
  pass(2s);
  EXPECT_EQ(signals(SIGABRT), 0);
  EXPECT_EQ(signals(SIGKILL), 1);
  EXPECT_EQ(exit(0, {.signal = SIGKILL}).reason, ExitReason::kHang);
}

TEST_F(SupervisorDeadlinesTest, AStoppedWorkerDoesNotHoldUpAStopUntilItsDeadline) {
  set_up_ready({.workers = 2});
  silent_[0] = seen_[0].stopped = true;
  told(supervisor_->stop(now_, now_ + 25s));
  pass(2s);
  EXPECT_EQ(signals(SIGKILL), 1);
  pass(5s);
  EXPECT_EQ(signals(SIGKILL), 1);
}

TEST_F(SupervisorDeadlinesTest, AHeartbeatFromTheFutureOrBeforeTheBeginningOfTimeHarmsNobodyElse) {
  set_up_ready({.workers = 3});
  silent_[0] = silent_[1] = true;
  seen_[0].heartbeat = Time::max();
  seen_[1].heartbeat = Time::min();
  pass(2s);
  EXPECT_EQ(signals(SIGABRT), 1);
  EXPECT_EQ(state(2), WorkerState::kReady);
}

TEST_F(SupervisorDeadlinesTest, ABreachOfAHungWorkerKeepsTheReasonHang) {
  set_up_ready({.workers = 2});
  silent_[0] = true;
  pass(2s);
  told(supervisor_->breach(0, now_));
  EXPECT_EQ(exit(0, {.signal = SIGKILL}).reason, ExitReason::kHang);
}

TEST_F(SupervisorDeadlinesTest, ALateTickKillsNobody) {
  set_up_ready({.workers = 2});
  pass(1s);
  pause(5s);
  silent_ = {true, true};  // after the pause the old heartbeats are seen first
  tick_once();
  pass(900ms);
  EXPECT_EQ(count(Kind::kRest), 0);
  silent_ = {false, false};
  pass(10s);
  EXPECT_EQ(signals(SIGABRT), 0);
  EXPECT_EQ(signals(SIGKILL), 0);
}

TEST_F(SupervisorDeadlinesTest, ALateTickStartsAHungWorkersDeadlinesAnew) {
  set_up_ready({.workers = 2});
  silent_[0] = true;
  pass(1500ms);
  pause(60s);
  tick_once();
  pass(1900ms);
  EXPECT_EQ(signals(SIGABRT), 0);
  pass(100ms);
  EXPECT_EQ(signals(SIGABRT), 1);
}

TEST_F(SupervisorDeadlinesTest, ALateTickForgivesBootAndDrainAndTheTimeUntilSigkill) {
  set_up({.workers = 3, .timeouts = {.ready = 10s, .drain = 10s}});
  ready(1);
  ready(2);
  told(supervisor_->draining(1, now_));
  silent_[2] = true;
  pass(2s);
  ASSERT_EQ(signals(SIGABRT), 1);
  pause(60s);
  tick_once();
  EXPECT_EQ(signals(SIGKILL), 0);
  pass(400ms);
  EXPECT_EQ(signals(SIGKILL), 0);
  pass(100ms);
  EXPECT_EQ(signals(SIGKILL), 1);
  exit(2, {.signal = SIGKILL});
  pass(7300ms);
  EXPECT_EQ(signals(SIGKILL), 1);
  EXPECT_EQ(signals(SIGABRT), 1);
  pass(200ms);
  EXPECT_EQ(signals(SIGKILL), 2);
  EXPECT_EQ(signals(SIGABRT), 2);
}

TEST_F(SupervisorDeadlinesTest, ATickThatIsNotLateForgivesNothing) {
  set_up_ready({.workers = 2});
  silent_[0] = true;
  for (int i = 0; i < 4; ++i) {
    pause(500ms);
    tick_once();
  }
  EXPECT_EQ(signals(SIGABRT), 1);
}

TEST_F(SupervisorDeadlinesTest, AStopThatIsTheFirstEventAfterAPauseKeepsItsDeadline) {
  set_up_ready({.workers = 2});
  pass(1s);
  pause(60s);
  told(supervisor_->stop(now_, now_ + 10s));
  pass(10s);
  EXPECT_EQ(signals(SIGKILL), 2);
}

TEST_F(SupervisorDeadlinesTest, AWorkerThatDrainsByItselfHasTheDrainTimeAndIsReplaced) {
  set_up_ready({.workers = 2});
  forget();
  told(supervisor_->draining(0, now_));
  EXPECT_EQ(state(0), WorkerState::kDraining);
  EXPECT_EQ(count(Kind::kDrain), 1);
  pass(24900ms);
  EXPECT_EQ(signals(SIGKILL), 0);
  pass(100ms);
  EXPECT_EQ(signals(SIGKILL), 1);
  EXPECT_EQ(exit(0, {.signal = SIGKILL}).reason, ExitReason::kExited);
  EXPECT_EQ(count(Kind::kStart), 1);
}

TEST_F(SupervisorDeadlinesTest, AKillByAnotherWhileItDrainsByItselfIsACrash) {
  set_up_ready({.workers = 2});
  told(supervisor_->draining(0, now_));
  EXPECT_EQ(exit(0, {.signal = SIGKILL}).reason, ExitReason::kCrash);
}

TEST_F(SupervisorDeadlinesTest, SigkillIsSentAgainUntilTheWorkerIsDead) {
  set_up_ready({.workers = 2});
  told(supervisor_->draining(0, now_));
  pass(26s);
  EXPECT_EQ(signals(SIGKILL), 3);
}

TEST_F(SupervisorDeadlinesTest, RecyclingDrainsOneWorkerAtATimeWithItsReason) {
  set_up_ready({.workers = 3, .recycle = {.requests = 1000}});
  for (Observation& seen : seen_) seen.requests = 2000;
  forget();
  pass(1s);
  EXPECT_EQ(count(Kind::kDrain), 1);
  seen_[0].requests = 0;
  EXPECT_EQ(exit(0, {.code = 0}).reason, ExitReason::kRecycleRequests);
  EXPECT_EQ(count(Kind::kStart), 1);
  pass(1s);
  EXPECT_EQ(count(Kind::kDrain), 1);  // the new one is not ready yet
  ready(0);
  pass(1s);
  EXPECT_EQ(count(Kind::kDrain), 2);
}

TEST_F(SupervisorDeadlinesTest, RecyclingWaitsWhileTheOnlyOtherWorkerIsSilent) {
  set_up_ready({.workers = 2, .recycle = {.memory = config::kMiB}});
  silent_[1] = true;
  pass(1s);
  seen_[0].memory = config::kGiB;
  forget();
  pass(500ms);
  EXPECT_EQ(count(Kind::kDrain), 0);
  silent_[1] = false;
  pass(200ms);
  EXPECT_EQ(count(Kind::kDrain), 1);
  EXPECT_EQ(exit(0, {.code = 0}).reason, ExitReason::kRecycleMemory);
}

TEST_F(SupervisorDeadlinesTest, APoolOfOneIsRecycledToo) {
  set_up_ready({.workers = 1, .recycle = {.lifetime = 10s}});
  forget();
  pass(11s);
  EXPECT_EQ(count(Kind::kDrain), 1);
  EXPECT_EQ(exit(0, {.code = 0}).reason, ExitReason::kRecycleLifetime);
}

TEST_F(SupervisorDeadlinesTest, RecyclingTakesNoTokenOfTheRestartBudget) {
  set_up_ready({.workers = 1, .restart = {.burst = 0}, .recycle = {.requests = 10}});
  for (int i = 0; i < 20; ++i) {
    seen_[0].requests = 100;
    pass(100ms);
    seen_[0].requests = 0;
    EXPECT_EQ(exit(0, {.code = 0}).next, WorkerState::kStarting);
    ready(0);
  }
}

TEST_F(SupervisorDeadlinesTest, RecycleLimitsVaryByTenPercentSoThatPlacesDoNotAgree) {
  std::uint64_t least = ~0ull;
  std::uint64_t most = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    set_up_ready({.workers = 1, .recycle = {.requests = 1000}}, seed);
    while (count(Kind::kDrain) == 0) {
      ++seen_[0].requests;
      tick_once();
    }
    least = std::min(least, seen_[0].requests);
    most = std::max(most, seen_[0].requests);
  }
  EXPECT_GE(least, 900u);
  EXPECT_LT(least, 950u);
  EXPECT_LE(most, 1100u);
  EXPECT_GT(most, 1050u);
}

TEST_F(SupervisorDeadlinesTest, WithoutLimitsNobodyIsRecycled) {
  set_up_ready({.workers = 2});
  forget();
  for (Observation& seen : seen_) seen.requests = seen.memory = ~0ull;
  pass(1h);
  EXPECT_EQ(count(Kind::kDrain), 0);
}

TEST_F(SupervisorDeadlinesTest, WhoTellsNoHeartbeatIsNotTakenForHung) {
  set_up_ready({.workers = 2});
  forget();
  for (Observation& seen : seen_) seen.heartbeat.reset();
  pass(1h);
  EXPECT_EQ(count(Kind::kRest) + count(Kind::kSignal), 0);
}

TEST_F(SupervisorDeadlinesTest, NobodyIsRecycledWhileThePoolStops) {
  set_up_ready({.workers = 2, .recycle = {.requests = 10}});
  told(supervisor_->stop(now_, now_ + 28s));
  forget();
  for (Observation& seen : seen_) seen.requests = 100;
  pass(1s);
  EXPECT_EQ(count(Kind::kDrain), 0);
}

}  // namespace
}  // namespace roundhouse::edge
