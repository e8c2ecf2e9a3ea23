// Supervision of places that are added, filled and retired one by one: what a program that is its
// own edge asks for.
#include "supervised_pool.h"

namespace roundhouse::edge {
namespace {

class SupervisorPlacesTest : public SupervisedPool {
 protected:
  SupervisorPlacesTest() {
    supervisor_ = std::make_unique<Supervisor>(config::Pool{.workers = 0}, 1, now_);
    seen_.clear();
    silent_.clear();
    forget();
  }
  void add(bool respawns) {
    supervisor_->add_place(now_, respawns);
    seen_.push_back({.heartbeat = now_});
    silent_.push_back(false);
  }
  void start(std::size_t place) { told(supervisor_->start_place(place, now_)); }
  void retire(std::size_t place, Duration within) {
    told(supervisor_->retire(place, now_, now_ + within));
  }
};

TEST_F(SupervisorPlacesTest, APlaceIsEmptyUntilItsWorkerIsStarted) {
  add(false);
  pass(60s);
  EXPECT_EQ(count(Kind::kStart), 0);
  EXPECT_EQ(state(0), WorkerState::kGone);
  start(0);
  EXPECT_EQ(count(Kind::kStart), 1);
  EXPECT_EQ(state(0), WorkerState::kStarting);
}

TEST_F(SupervisorPlacesTest, WhoDoesNotRespawnLeavesThePlaceEmptyAndItCanBeFilledAgain) {
  add(false);
  start(0);
  ready(0);
  EXPECT_EQ(crash(0).reason, ExitReason::kCrash);
  pass(60s);
  EXPECT_EQ(count(Kind::kStart), 1);
  EXPECT_EQ(state(0), WorkerState::kGone);
  start(0);
  ready(0);
  EXPECT_EQ(state(0), WorkerState::kReady);
}

TEST_F(SupervisorPlacesTest, WhoRespawnsIsReplacedButNotAfterItWasRetired) {
  add(true);
  start(0);
  ready(0);
  crash(0);
  EXPECT_EQ(count(Kind::kStart), 2);
  ready(0);
  retire(0, 10s);
  EXPECT_EQ(count(Kind::kDrain), 1);
  EXPECT_EQ(exit(0, {}).reason, ExitReason::kShutdown);
  pass(60s);
  EXPECT_EQ(count(Kind::kStart), 2);
  EXPECT_EQ(state(0), WorkerState::kGone);
}

TEST_F(SupervisorPlacesTest, ARetiredWorkerIsKilledAtItsDeadlineWhateverItWasDoing) {
  add(false);
  start(0);
  retire(0, 2s);
  EXPECT_EQ(count(Kind::kDrain), 1);
  pass(1s);
  EXPECT_EQ(signals(SIGKILL), 0);
  pass(1500ms);
  EXPECT_GE(signals(SIGKILL), 1);
}

TEST_F(SupervisorPlacesTest, RetiringTwiceOnlyShortensAndAPlaceThatWaitsStartsNoMore) {
  add(true);
  start(0);
  retire(0, 10s);
  retire(0, 1s);
  EXPECT_EQ(count(Kind::kDrain), 1);
  pass(1500ms);
  EXPECT_GE(signals(SIGKILL), 1);
  exit(0, {.signal = SIGKILL});
  spawns_ = false;
  start(0);
  EXPECT_EQ(state(0), WorkerState::kBackoff);
  retire(0, 1s);
  pass(60s);
  EXPECT_EQ(state(0), WorkerState::kGone);
}

TEST_F(SupervisorPlacesTest, NothingIsConcludedFromAllFirstStartsHavingFailed) {
  add(false);
  add(false);
  start(0);
  start(1);
  exit(0, {.code = 1});
  exit(1, {.code = 1});
  EXPECT_EQ(count(Kind::kPoolFailed), 0);
  start(0);
  ready(0);
  EXPECT_EQ(state(0), WorkerState::kReady);
}

}  // namespace
}  // namespace roundhouse::edge
