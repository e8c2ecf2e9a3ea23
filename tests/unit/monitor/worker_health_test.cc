#include "monitor/worker_health.h"

#include <gtest/gtest.h>

namespace roundhouse::monitor {
namespace {

using namespace std::chrono_literals;
using ipc::WorkerState;
using Verdict = WorkerHealth::Verdict;

class WorkerHealthTest : public testing::Test {
 protected:
  WorkerHealthTest() {
    pool_.ready.by = config::ReadyBy::kHttp;
    pool_.ready.path = "/ready";
    pool_.liveness.path = "/well";
    pool_.liveness.interval = 10s;
    pool_.liveness.timeout = 5s;
    pool_.liveness.failures = 3;
  }
  // Asked when it is due, and answered at once.
  Verdict ask(bool well) {
    now_ = std::max(now_, *health_.due());
    return health_.ended(well, now_, now_, 0.5);
  }
  void become(WorkerState state, std::int32_t pid = 7) { health_.follow(pid, state, now_, 0.5); }

  config::Pool pool_;
  Time now_ = Time(1h);
  WorkerHealth health_{pool_};
};

TEST_F(WorkerHealthTest, OneThatStartsIsAskedAtOnceAndSoonAgainUntilItAnswersWell) {
  become(WorkerState::kStarting);
  EXPECT_EQ(health_.path(), "/ready");
  EXPECT_EQ(health_.due(), now_);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(ask(false), Verdict::kNotYet) << "however often";
  EXPECT_EQ(now_, Time(1h) + 900ms);
  EXPECT_EQ(ask(true), Verdict::kReady);
  EXPECT_EQ(ask(true), Verdict::kReady) << "until the edge has heard it";
}

TEST_F(WorkerHealthTest, OneThatIsReadyHangsAfterSoManyFailuresInARow) {
  become(WorkerState::kReady);
  EXPECT_EQ(health_.path(), "/well");
  EXPECT_EQ(health_.due(), now_ + 10s);
  EXPECT_EQ(ask(false), Verdict::kNone);
  EXPECT_EQ(ask(false), Verdict::kNone);
  EXPECT_EQ(ask(true), Verdict::kNone);
  EXPECT_EQ(ask(false), Verdict::kNone);
  const Time first = now_;
  EXPECT_EQ(ask(false), Verdict::kNone);
  EXPECT_EQ(ask(false), Verdict::kHangs);
  EXPECT_EQ(health_.failing_since(), first);
  EXPECT_EQ(ask(false), Verdict::kNone) << "if the edge does not think so it begins anew";
}

TEST_F(WorkerHealthTest, AnotherProcessBeginsAnew) {
  become(WorkerState::kReady);
  ask(false);
  ask(false);
  become(WorkerState::kGone, 0);
  EXPECT_FALSE(health_.due());
  become(WorkerState::kReady, 8);
  EXPECT_EQ(ask(false), Verdict::kNone);
  EXPECT_EQ(ask(false), Verdict::kNone);
  EXPECT_EQ(ask(false), Verdict::kHangs);
}

TEST_F(WorkerHealthTest, OneThatDrainsIsAskedNothing) {
  become(WorkerState::kReady);
  EXPECT_TRUE(health_.due());
  become(WorkerState::kDraining);
  EXPECT_FALSE(health_.due());
}

TEST_F(WorkerHealthTest, WithoutAPathNothingIsAsked) {
  pool_.liveness.path = "";
  pool_.ready.by = config::ReadyBy::kConnect;
  become(WorkerState::kStarting);
  EXPECT_FALSE(health_.due());
  become(WorkerState::kReady);
  EXPECT_FALSE(health_.due());
}

TEST_F(WorkerHealthTest, WhatEndsLongAfterItsTimeCountsForNothingSinceNobodyLookedAfterIt) {
  pool_.liveness.failures = 1;
  become(WorkerState::kReady);
  const Time began = now_ + 10s;
  EXPECT_EQ(health_.ended(false, began, began + 5501ms, 0.5), Verdict::kNone);
  EXPECT_EQ(health_.due(), began + 15501ms);
  EXPECT_EQ(health_.ended(false, began, began + 5500ms, 0.5), Verdict::kHangs);
}

TEST_F(WorkerHealthTest, QuestionsComeAtAnIntervalThatIsTenPerCentMoreOrLess) {
  become(WorkerState::kReady);
  health_.ended(true, now_, now_ + 1s, 0);
  EXPECT_EQ(health_.due(), now_ + 9s);
  health_.ended(true, now_, now_ + 1s, 1);
  EXPECT_EQ(health_.due(), now_ + 11s);
  health_.postpone(now_);
  EXPECT_EQ(health_.due(), now_ + 10s);
}

}  // namespace
}  // namespace roundhouse::monitor
