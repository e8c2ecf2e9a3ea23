// Starts, exits, restarts, reasons, stop. Hangs, boot time, drains and recycling: see
// supervisor_deadlines_test.cc.
#include "edge/supervisor.h"

#include "supervised_pool.h"

namespace roundhouse::edge {
namespace {

using SupervisorTest = SupervisedPool;

TEST_F(SupervisorTest, StartStartsEveryPlace) {
  EXPECT_EQ(count(Kind::kStart), 2);
  EXPECT_EQ(state(0), WorkerState::kStarting);
  EXPECT_EQ(supervisor_->ready_count(), 0u);
}

TEST_F(SupervisorTest, AReadyWorkerServes) {
  ready(0);
  EXPECT_EQ(state(0), WorkerState::kReady);
  EXPECT_EQ(count(Kind::kServe), 1);
  EXPECT_EQ(supervisor_->ready_count(), 1u);
}

TEST_F(SupervisorTest, ASecondReadySaysNothingNew) {
  ready(0);
  ready(0);
  EXPECT_EQ(count(Kind::kServe), 1);
}

TEST_F(SupervisorTest, ACrashedWorkerIsReplacedAtOnce) {
  set_up_ready({.workers = 2});
  forget();
  const Obituary obituary = crash(0);
  EXPECT_EQ(count(Kind::kStart), 1);
  EXPECT_EQ(obituary.reason, ExitReason::kCrash);
  EXPECT_EQ(obituary.next, WorkerState::kStarting);
  EXPECT_EQ(obituary.next_start_in, Duration::zero());
}

TEST_F(SupervisorTest, TheObituaryTellsHowLongItLivedAndWasReady) {
  pass(2s);
  ready(0);
  pass(3s);
  const Obituary obituary = crash(0);
  EXPECT_TRUE(obituary.was_ready);
  EXPECT_EQ(obituary.lived, 5s);
  EXPECT_EQ(obituary.ready_for, 3s);
}

TEST_F(SupervisorTest, AfterTheBurstTheNextStartWaitsForItsTime) {
  set_up_ready({.workers = 2, .restart = {.refill = 1h}});
  use_up_the_burst(0);
  forget();
  const Obituary obituary = crash(0);
  EXPECT_EQ(state(0), WorkerState::kBackoff);
  EXPECT_GE(obituary.next_start_in, 400ms);
  EXPECT_LE(obituary.next_start_in, 600ms);
  pass(300ms);
  EXPECT_EQ(count(Kind::kStart), 0);
  pass(400ms);
  EXPECT_EQ(count(Kind::kStart), 1);
}

TEST_F(SupervisorTest, TheLastReadyPlaceIsBackWithinASecond) {
  set_up_ready({.workers = 2, .restart = {.refill = 1h}});
  use_up_the_burst(0);
  use_up_the_burst(1);
  for (int i = 0; i < 5; ++i) {
    crash(0);
    pass(10s);
    ready(0);
  }
  EXPECT_GT(crash(0).next_start_in, 3s);
  EXPECT_LE(crash(1).next_start_in, 1s);
}

TEST_F(SupervisorTest, AHungWorkerIsNoReadyPlaceThatCouldLetAnotherWait) {
  set_up_ready({.workers = 2, .restart = {.burst = 0, .refill = 1h, .backoff_min = 5s}});
  silent_[1] = true;
  pass(2s);
  EXPECT_LE(crash(0).next_start_in, 1s);
}

TEST_F(SupervisorTest, FiveStartsWithoutReadyQuarantineThePlaceAndProbeEachThirtySeconds) {
  ready(1);
  for (int i = 0; i < 4; ++i) {
    EXPECT_NE(crash(0).next, WorkerState::kQuarantined) << i;
  }
  EXPECT_EQ(crash(0).next, WorkerState::kQuarantined);
  for (int probe = 0; probe < 5; ++probe) {
    forget();
    pass(29900ms);
    EXPECT_EQ(count(Kind::kStart), 0);
    pass(100ms);
    EXPECT_EQ(count(Kind::kStart), 1);
    EXPECT_EQ(crash(0).next, WorkerState::kQuarantined);
  }
}

TEST_F(SupervisorTest, AWorkerThatWasReadyEndsTheCountOfFailedStartsThoughItIsRecycled) {
  set_up({.workers = 2, .recycle = {.requests = 10}});
  ready(1);
  for (int i = 0; i < 4; ++i) crash(0);
  ready(0);
  seen_[0].requests = 100;
  pass(100ms);
  ASSERT_EQ(exit(0, {.code = 0}).reason, ExitReason::kRecycleRequests);
  EXPECT_NE(crash(0).next, WorkerState::kQuarantined);
}

TEST_F(SupervisorTest, AProbeThatBecomesReadyEndsTheQuarantine) {
  ready(1);
  for (int i = 0; i < 5; ++i) crash(0);
  pass(30s);
  ready(0);
  EXPECT_EQ(state(0), WorkerState::kReady);
  EXPECT_NE(crash(0).next, WorkerState::kQuarantined);
}

TEST_F(SupervisorTest, AWorkerThatBecameReadyIsNeverQuarantined) {
  set_up_ready({.workers = 2});
  for (int i = 0; i < 100; ++i) {
    EXPECT_NE(crash(0).next, WorkerState::kQuarantined);
    pass(10s);
    ready(0);
  }
}

TEST_F(SupervisorTest, ExitCode125LeavesThePlaceEmptyForGood) {
  set_up_ready({.workers = 2});
  forget();
  const Obituary obituary = exit(0, {.code = kPermanentFailure});
  EXPECT_EQ(obituary.next, WorkerState::kFailed);
  EXPECT_EQ(obituary.reason, ExitReason::kCrash);
  pass(10min);
  EXPECT_EQ(count(Kind::kStart), 0);
}

TEST_F(SupervisorTest, ThePoolFailsOnceWhenEveryPlaceFailedItsFirstStart) {
  crash(0);
  EXPECT_EQ(count(Kind::kPoolFailed), 0);
  EXPECT_EQ(crash(1).next, WorkerState::kFailed);
  EXPECT_EQ(count(Kind::kPoolFailed), 1);
  forget();
  crash(0);
  pass(1min);
  EXPECT_EQ(count(Kind::kPoolFailed), 0);
  EXPECT_EQ(count(Kind::kStart), 0);
}

TEST_F(SupervisorTest, AllExit125AtTheFirstStartFailsThePoolToo) {
  exit(0, {.code = kPermanentFailure});
  exit(1, {.code = kPermanentFailure});
  EXPECT_EQ(count(Kind::kPoolFailed), 1);
}

TEST_F(SupervisorTest, OneWorkerThatWasReadyKeepsThePoolFromFailing) {
  ready(0);
  for (int i = 0; i < 20; ++i) {
    crash(0);
    crash(1);
    pass(31s);
  }
  EXPECT_EQ(count(Kind::kPoolFailed), 0);
}

TEST_F(SupervisorTest, AFailedSpawnIsRetriedAfterAPauseNeverAtOnce) {
  set_up_ready({.workers = 2});
  forget();
  spawns_ = false;
  crash(0);
  EXPECT_EQ(count(Kind::kStart), 1);
  EXPECT_EQ(state(0), WorkerState::kBackoff);
  spawns_ = true;
  pass(700ms);
  EXPECT_EQ(count(Kind::kStart), 2);
  ready(0);
  EXPECT_EQ(state(0), WorkerState::kReady);
}

TEST_F(SupervisorTest, EverySpawnFailingAtFirstFailsThePool) {
  spawns_ = false;
  set_up({.workers = 2});
  EXPECT_EQ(count(Kind::kPoolFailed), 1);
  EXPECT_TRUE(supervisor_->all_gone());
  pass(1min);
  EXPECT_EQ(count(Kind::kStart), 2);
}

TEST_F(SupervisorTest, ABreachOfTheProtocolIsKilledAndToldAsSuch) {
  set_up_ready({.workers = 2});
  forget();
  told(supervisor_->breach(0, now_));
  EXPECT_EQ(count(Kind::kRest), 1);
  EXPECT_EQ(signals(SIGKILL), 1);
  EXPECT_EQ(exit(0, {.signal = SIGKILL}).reason, ExitReason::kProtocol);
  EXPECT_EQ(count(Kind::kStart), 1);
}

TEST_F(SupervisorTest, ABreachOfAWorkerThatStartsOrDrainsKillsItToo) {
  told(supervisor_->breach(0, now_));
  EXPECT_EQ(signals(SIGKILL), 1);
  ready(0);
  EXPECT_EQ(count(Kind::kServe), 0);
  ready(1);
  told(supervisor_->draining(1, now_));
  told(supervisor_->breach(1, now_));
  EXPECT_EQ(signals(SIGKILL), 2);
  EXPECT_EQ(exit(1, {.signal = SIGKILL}).reason, ExitReason::kProtocol);
}

TEST_F(SupervisorTest, ABreachWithoutAProcessDoesNothing) {
  set_up_ready({.workers = 2, .restart = {.burst = 0}});
  crash(0);
  EXPECT_TRUE(supervisor_->breach(0, now_).empty());
}

TEST_F(SupervisorTest, TheReasonFollowsHowItEnded) {
  set_up_ready({.workers = 1});
  const auto reason = [this](ExitStatus status) {
    const ExitReason told = exit(0, status).reason;
    ready(0);
    return told;
  };
  EXPECT_EQ(reason({.signal = SIGSEGV}), ExitReason::kCrash);
  EXPECT_EQ(reason({.signal = SIGKILL}), ExitReason::kCrash);
  EXPECT_EQ(reason({.signal = SIGTERM}), ExitReason::kCrash);
  EXPECT_EQ(reason({.code = 3}), ExitReason::kCrash);
  EXPECT_EQ(reason({.code = 0}), ExitReason::kExited);
  EXPECT_EQ(reason({.signal = SIGKILL, .out_of_memory = true}), ExitReason::kOom);
}

TEST_F(SupervisorTest, ADrainThatEndsInACrashIsACrash) {
  set_up_ready({.workers = 2});
  told(supervisor_->stop(now_, now_ + 28s));
  EXPECT_EQ(exit(0, {.signal = SIGABRT}).reason, ExitReason::kCrash);
  EXPECT_EQ(exit(1, {.code = 0}).reason, ExitReason::kShutdown);
}

TEST_F(SupervisorTest, StopDrainsTheReadyAndTermsThoseThatStart) {
  ready(0);
  forget();
  told(supervisor_->stop(now_, now_ + 28s));
  EXPECT_EQ(count(Kind::kDrain), 1);
  EXPECT_EQ(signals(SIGTERM), 1);
  EXPECT_EQ(exit(0, {.code = 0}).reason, ExitReason::kShutdown);
  EXPECT_FALSE(supervisor_->all_gone());
  EXPECT_EQ(exit(1, {.signal = SIGTERM}).reason, ExitReason::kShutdown);
  EXPECT_TRUE(supervisor_->all_gone());
  EXPECT_EQ(state(0), WorkerState::kGone);
  EXPECT_EQ(state(1), WorkerState::kGone);
}

TEST_F(SupervisorTest, AWorkerThatBecomesReadyAfterStopServesNothing) {
  told(supervisor_->stop(now_, now_ + 28s));
  ready(0);
  EXPECT_EQ(count(Kind::kServe), 0);
}

TEST_F(SupervisorTest, StopEndsPlacesWithoutAProcess) {
  set_up_ready({.workers = 3, .restart = {.burst = 0, .failed_starts = 1}});
  exit(0, {.code = kPermanentFailure});
  crash(1);
  crash(2);
  pass(2s);
  crash(2);
  ASSERT_EQ(state(2), WorkerState::kQuarantined);
  forget();
  crash(1);
  told(supervisor_->stop(now_, now_ + 28s));
  EXPECT_TRUE(supervisor_->all_gone());
  pass(2min);
  EXPECT_EQ(count(Kind::kStart), 0);
}

TEST_F(SupervisorTest, AnExitWhileStoppingStartsNobody) {
  set_up_ready({.workers = 2});
  told(supervisor_->stop(now_, now_ + 28s));
  forget();
  EXPECT_EQ(crash(0).next, WorkerState::kGone);
  EXPECT_EQ(count(Kind::kStart), 0);
}

TEST_F(SupervisorTest, StopIsKilledAtItsDeadline) {
  set_up_ready({.workers = 2});
  told(supervisor_->stop(now_, now_ + 10s));
  pass(9900ms);
  EXPECT_EQ(signals(SIGKILL), 0);
  pass(100ms);
  EXPECT_EQ(signals(SIGKILL), 2);
  EXPECT_EQ(exit(0, {.signal = SIGKILL}).reason, ExitReason::kShutdown);
}

TEST_F(SupervisorTest, ADrainUnderWayKeepsItsReasonAndGetsTheEarlierDeadline) {
  set_up_ready({.workers = 2, .recycle = {.requests = 10}});
  seen_[0].requests = 100;
  pass(100ms);
  ASSERT_EQ(state(0), WorkerState::kDraining);
  told(supervisor_->stop(now_, now_ + 5s));
  pass(5s);
  EXPECT_EQ(signals(SIGKILL), 2);
  EXPECT_EQ(exit(0, {.signal = SIGKILL}).reason, ExitReason::kRecycleRequests);
}

TEST_F(SupervisorTest, AStopEndsTheWaitAfterAnAbortToo) {
  set_up_ready({.workers = 1, .liveness = {.kill = 1h}});
  silent_[0] = true;
  pass(2s);
  ASSERT_EQ(signals(SIGABRT), 1);
  told(supervisor_->stop(now_, now_ + 5s));
  pass(4900ms);
  EXPECT_EQ(signals(SIGKILL), 0);
  pass(100ms);
  EXPECT_EQ(signals(SIGKILL), 1);
}

TEST_F(SupervisorTest, ASecondStopMayShortenTheDeadline) {
  set_up_ready({.workers = 2});
  told(supervisor_->stop(now_, now_ + 28s));
  told(supervisor_->stop(now_, now_));
  pass(100ms);
  EXPECT_EQ(signals(SIGKILL), 2);
}

}  // namespace
}  // namespace roundhouse::edge
