// Connections at a worker's own door are for that worker alone.
#include "dispatched_pool.h"

namespace roundhouse::edge {
namespace {

class OwnDoor : public DispatchedPool {
 protected:
  OwnDoor() { set_up({.workers = 2, .policy = config::Policy::kRr}, 3); }
  static std::uint32_t door(std::uint32_t place) { return 3 + place; }
};

TEST_F(OwnDoor, WhatComesInThereGoesToNobodyElse) {
  offer(3, door(1));
  EXPECT_EQ(lying(), (Sizes{0, 3}));
  offer(2, 0);
  EXPECT_EQ(lying(), (Sizes{1, 4})) << "the rotation does not know of it";
}

TEST_F(OwnDoor, WithoutItsWorkerItWaitsAndOthersDoNot) {
  dispatcher_->serve(1, false);
  port(1).unwilling = {door(1)};
  EXPECT_FALSE(dispatcher_->has_room(door(1)));
  EXPECT_TRUE(dispatcher_->has_room(door(0)));
  offer(2, door(1));
  offer(1, door(0));
  offer(1, 0);
  EXPECT_EQ(lying(), (Sizes{2, 0}));
  EXPECT_EQ(dispatcher_->waiting(), 2U);
  port(1).unwilling.clear();
  dispatcher_->serve(1, true);
  dispatcher_->observe(now_);
  EXPECT_EQ(lying(), (Sizes{2, 2}));
}

TEST_F(OwnDoor, OneThatDrainsGoesOnThereWhileItIsWilling) {
  dispatcher_->serve(1, false);
  EXPECT_TRUE(dispatcher_->has_room(door(1)));
  offer(1, door(1));
  offer(1, 0);
  EXPECT_EQ(lying(), (Sizes{1, 1}));
}

TEST_F(OwnDoor, WhatWaitsThereCanBeDropped) {
  port(1).unwilling = {door(1)};
  port(0).unwilling = {0, door(0)};
  offer(2, door(1));
  offer(1, door(0));
  dispatcher_->drop_waiting(door(1));
  EXPECT_EQ(dispatcher_->waiting(), 1U);
  port(0).unwilling.clear();
  dispatcher_->observe(now_);
  EXPECT_EQ(lying(), (Sizes{1, 0}));
}

TEST_F(OwnDoor, WhatADeadWorkerHadNotTakenIsForItsReplacement) {
  offer(2, door(0));
  dispatcher_->serve(0, false);
  dispatcher_->detach(0, now_);
  EXPECT_EQ(dispatcher_->waiting(), 2U);
  EXPECT_EQ(lying()[1], 0U);
  replace(0);
  dispatcher_->observe(now_);
  EXPECT_EQ(lying(), (Sizes{2, 0}));
}

TEST_F(OwnDoor, AStalledWorkerKeepsWhatIsForItAlone) {
  offer(1, door(0));
  pass_stall();
  pass_stall();
  EXPECT_EQ(lying(), (Sizes{1, 0}));
  offer(1, 0);
  pass_stall();
  EXPECT_EQ(lying()[1], 1U) << "what others may serve is not held up";
}

TEST_F(OwnDoor, UnderEveryPolicyItIsTheSame) {
  for (const config::Policy policy :
       {config::Policy::kNone, config::Policy::kLeast, config::Policy::kSticky}) {
    set_up({.workers = 2, .policy = policy}, 3);
    offer(2, door(1));
    EXPECT_EQ(lying(), (Sizes{0, 2}));
  }
}

}  // namespace
}  // namespace roundhouse::edge
