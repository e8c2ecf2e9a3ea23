// Workers that turn connections away, or serve some listeners only, as Node programs do.
#include "dispatched_pool.h"

namespace roundhouse::edge {
namespace {

class DispatcherRefusalTest : public DispatchedPool {
 protected:
  void turn_away(std::size_t worker) {
    auto [sequence, connection] = port(worker).turn_away_one();
    dispatcher_->turned_away(worker, sequence, std::move(connection), now_);
    dispatcher_->flush(now_);
  }
};

TEST_F(DispatcherRefusalTest, WhatOneTurnsAwayAnotherGets) {
  port(0).limit = port(1).limit = 1;
  offer(2);
  EXPECT_EQ(lying(), (Sizes{1, 1}));
  turn_away(0);
  EXPECT_EQ(lying(), (Sizes{0, 2}));
  EXPECT_EQ(dispatcher_->counts(0).returned, 1u);
  EXPECT_EQ(dispatcher_->untaken(0), 0u);
  take_all();
  EXPECT_EQ(served(), (Ids{1, 2}));
}

TEST_F(DispatcherRefusalTest, WhatEveryoneTurnsAwayWaitsUntilSomeoneIsWilling) {
  port(0).limit = port(1).limit = 1;
  offer(1);
  port(0).unwilling = {0};
  turn_away(0);
  port(1).unwilling = {0};
  turn_away(1);
  EXPECT_EQ(dispatcher_->waiting(), 1u);
  EXPECT_FALSE(dispatcher_->has_room(0));
  port(0).unwilling = {};
  dispatcher_->observe(now_);
  EXPECT_EQ(lying(), (Sizes{1, 0}));
}

TEST_F(DispatcherRefusalTest, ALimitOfOneGivesEachConnectionASequenceOfItsOwn) {
  port(0).limit = port(1).limit = 1;
  offer(6);
  EXPECT_EQ(port(0).messages, 3);
  EXPECT_EQ(lying(), (Sizes{3, 3}));
  EXPECT_GE(port(0).flushes, 1);
  port(0).take_one();
  dispatcher_->observe(now_);
  EXPECT_EQ(dispatcher_->untaken(0), 2u);
}

TEST_F(DispatcherRefusalTest, AConnectionGoesToAWorkerThatServesItsListener) {
  set_up({.workers = 2}, 2);
  port(0).unwilling = {1};
  port(1).unwilling = {0};
  offer(2, 0);
  offer(2, 1);
  EXPECT_EQ(lying(), (Sizes{2, 2}));
  port(1).unwilling = {0, 1};
  EXPECT_TRUE(dispatcher_->has_room(0));
  EXPECT_FALSE(dispatcher_->has_room(1));
}

TEST_F(DispatcherRefusalTest, WhatNobodyServesDoesNotHoldUpAnotherListener) {
  set_up({.workers = 2}, 2);
  port(0).unwilling = port(1).unwilling = {1};
  offer(1, 1);
  EXPECT_EQ(dispatcher_->waiting(), 1u);
  EXPECT_TRUE(dispatcher_->has_room(0));
  offer(2, 0);
  EXPECT_EQ(lying(), (Sizes{1, 1}));
  EXPECT_EQ(dispatcher_->waiting(), 1u);
  port(1).unwilling = {};
  dispatcher_->observe(now_);
  EXPECT_EQ(dispatcher_->waiting(), 0u);
}

TEST_F(DispatcherRefusalTest, WhatWasTurnedAwayIsCountedOnce) {
  port(0).limit = port(1).limit = 1;
  offer(4);
  turn_away(0);
  take_all();
  dispatcher_->observe(now_);
  const HandoffCounts& counts = dispatcher_->counts(0);
  EXPECT_EQ(counts.given, counts.taken + counts.taken_back + counts.returned);
  EXPECT_EQ(served(), (Ids{1, 2, 3, 4}));
}

}  // namespace
}  // namespace roundhouse::edge
