#include "edge/kernel_turns.h"

#include <gtest/gtest.h>

namespace roundhouse::edge {
namespace {

using namespace std::chrono_literals;
using Turns = std::vector<std::uint32_t>;

class KernelTurnsTest : public testing::Test {
 protected:
  KernelTurnsTest() {
    for (KernelTurns::Seen& seen : seen_) seen.heartbeat = now_;
    for (std::size_t i = 0; i < seen_.size(); ++i) turns_.serve(i, true);
  }
  bool after(Duration time) {
    now_ += time;
    return turns_.observe(now_, seen_);
  }

  KernelTurns turns_{3, 100ms};
  std::vector<KernelTurns::Seen> seen_{3};
  Time now_ = Time(1h);
};

TEST_F(KernelTurnsTest, WhoServesIsInTurn) {
  EXPECT_EQ(turns_.all_in_turn(), (Turns{0, 1, 2}));
  EXPECT_TRUE(turns_.serve(1, false));
  EXPECT_FALSE(turns_.serve(1, false)) << "nothing new";
  EXPECT_EQ(turns_.all_in_turn(), (Turns{0, 2}));
  EXPECT_TRUE(turns_.serve(1, true));
  EXPECT_EQ(turns_.all_in_turn(), (Turns{0, 1, 2}));
}

TEST_F(KernelTurnsTest, AQueueThatNobodyEmptiesTakesAWorkerOutOfTurn) {
  seen_[1].waiting = true;
  EXPECT_FALSE(after(50ms));
  EXPECT_FALSE(after(50ms));
  EXPECT_TRUE(after(50ms));
  EXPECT_EQ(turns_.all_in_turn(), (Turns{0, 2}));
}

TEST_F(KernelTurnsTest, AQueueThatIsEmptiedAndFilledAgainIsNone) {
  for (int i = 0; i < 100; ++i) {
    seen_[1].waiting = true;
    ++seen_[1].accepted;
    EXPECT_FALSE(after(50ms));
  }
  for (int i = 0; i < 100; ++i) {
    seen_[1].waiting = i % 2 == 0;
    EXPECT_FALSE(after(60ms));
  }
}

TEST_F(KernelTurnsTest, AStalledWorkerIsBackWhenItsLoopHasRun) {
  seen_[1].waiting = true;
  after(10ms);
  after(100ms);
  seen_[1].waiting = false;  // others have taken it
  EXPECT_FALSE(after(1s)) << "its heartbeat is the old one";
  seen_[1].heartbeat = now_;
  EXPECT_TRUE(after(50ms));
  EXPECT_TRUE(turns_.in_turn(1));
}

TEST_F(KernelTurnsTest, AFullWorkerIsBackWhenItHasRoom) {
  seen_[1].waiting = true;
  after(10ms);
  after(100ms);
  seen_[1].has_room = false;
  seen_[1].heartbeat = now_ + 1ms;
  EXPECT_FALSE(after(50ms));
  seen_[1].has_room = true;
  EXPECT_TRUE(after(50ms));
}

TEST_F(KernelTurnsTest, OfAWorkerThatTellsNothingNothingIsJudged) {
  seen_[1].heartbeat.reset();
  seen_[1].waiting = true;
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(after(50ms));
}

TEST_F(KernelTurnsTest, ANewProcessBeginsAnew) {
  seen_[1].waiting = true;
  after(10ms);
  after(100ms);
  EXPECT_FALSE(turns_.serve(1, false));
  EXPECT_TRUE(turns_.serve(1, true));
  EXPECT_FALSE(after(50ms));
  EXPECT_TRUE(turns_.in_turn(1));
}

}  // namespace
}  // namespace roundhouse::edge
