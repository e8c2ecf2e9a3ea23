// Who may get a connection, how it travels, deaths and full channels. Stalls and lies: see
// dispatcher_stall_test.cc.
#include "dispatched_pool.h"

namespace roundhouse::edge {
namespace {

using DispatcherTest = DispatchedPool;

TEST_F(DispatcherTest, ConnectionsTravelAtTheEndOfTheTurnAsOneMessageForEachWorker) {
  for (int i = 0; i < 6; ++i) {
    Connection connection;
    connection.info.id = ++last_id_;
    dispatcher_->offer(std::move(connection), now_);
  }
  EXPECT_EQ(lying(), (Sizes{0, 0}));
  dispatcher_->flush(now_);
  EXPECT_EQ(lying(), (Sizes{3, 3}));
  EXPECT_EQ(port(0).messages, 1);
}

TEST_F(DispatcherTest, AMessageCarriesAtMostEightConnections) {
  offer(34);
  EXPECT_EQ(lying(), (Sizes{17, 17}));
  EXPECT_EQ(port(0).messages, 3);
}

TEST_F(DispatcherTest, EachListenerHasARotationOfItsOwn) {
  set_up({.workers = 3}, 2);
  offer(1, 0);
  offer(1, 1);
  offer(1, 0);
  EXPECT_EQ(lying(), (Sizes{2, 1, 0}));
}

TEST_F(DispatcherTest, AWorkerThatDoesNotServeGetsNothing) {
  dispatcher_->serve(0, false);
  offer(4);
  EXPECT_EQ(lying(), (Sizes{0, 4}));
}

TEST_F(DispatcherTest, AWorkerWithDepthUntakenGetsNoMoreUntilItTakes) {
  pool_.handoff.depth = 4;
  set_up(pool_);
  offer(20);
  EXPECT_EQ(lying(), (Sizes{4, 4}));
  EXPECT_EQ(dispatcher_->waiting(), 12u);
  EXPECT_FALSE(dispatcher_->has_room(0));
  port(0).take_one();
  dispatcher_->observe(now_);
  EXPECT_EQ(lying(), (Sizes{4, 4}));
  EXPECT_EQ(dispatcher_->waiting(), 8u);
}

TEST_F(DispatcherTest, AWorkerAtWorkerConnectionsGetsNoMoreUntilOneCloses) {
  pool_.worker_connections = 3;
  set_up(pool_);
  offer(6);
  take_all();
  EXPECT_FALSE(dispatcher_->has_room(0));
  --port(1).open;
  EXPECT_TRUE(dispatcher_->has_room(0));
  offer(1);
  EXPECT_EQ(lying(), (Sizes{0, 1}));
  EXPECT_FALSE(dispatcher_->has_room(0));
}

TEST_F(DispatcherTest, OpenConnectionsAndThoseOnTheirWayCountTogether) {
  pool_.worker_connections = 5;
  set_up(pool_);
  port(0).open = 4;
  port(1).open = 5;
  offer(3);
  EXPECT_EQ(lying(), (Sizes{1, 0}));
  EXPECT_EQ(dispatcher_->waiting(), 2u);
}

TEST_F(DispatcherTest, WithoutRoomEveryServingWorkerIsAsked) {
  pool_.handoff.depth = 1;
  set_up(pool_);
  EXPECT_TRUE(dispatcher_->has_room(0));
  EXPECT_EQ(port(0).room_wishes, 0);
  offer(2);
  EXPECT_FALSE(dispatcher_->has_room(0));
  EXPECT_EQ(port(0).room_wishes, 1);
  EXPECT_EQ(port(1).room_wishes, 1);
}

TEST_F(DispatcherTest, ThereIsNoRoomWhileSomebodyWaits) {
  dispatcher_->serve(0, false);
  dispatcher_->serve(1, false);
  offer(1);
  dispatcher_->serve(1, true);
  EXPECT_FALSE(dispatcher_->has_room(0));
  dispatcher_->observe(now_);
  EXPECT_TRUE(dispatcher_->has_room(0));
  EXPECT_EQ(lying(), (Sizes{0, 1}));
}

TEST_F(DispatcherTest, WhoWaitsIsPlacedInTheOrderOfArrival) {
  pool_.handoff.depth = 1;
  set_up(pool_);
  offer(6);
  for (int i = 0; i < 3; ++i) {
    take_all();
    dispatcher_->observe(now_);
  }
  EXPECT_EQ(port(0).served, (Ids{1, 3, 5}));
  EXPECT_EQ(port(1).served, (Ids{2, 4, 6}));
}

TEST_F(DispatcherTest, WhatADeadWorkerHadNotTakenGoesToTheOthers) {
  offer(8);
  port(0).take_all();
  offer(8);
  dispatcher_->detach(0, now_);
  EXPECT_EQ(lying(), (Sizes{0, 12}));
  port(1).take_all();
  const Ids all = served();
  EXPECT_EQ(all.size(), 16u);
  EXPECT_EQ(std::ranges::adjacent_find(all), all.end());
  expect_counts_agree(0);
  EXPECT_EQ(dispatcher_->counts(0).taken, 4u);
}

TEST_F(DispatcherTest, WhatWasChosenForAWorkerThatDiesInTheSameTurnIsNotLost) {
  for (int i = 0; i < 4; ++i) {
    Connection connection;
    connection.info.id = ++last_id_;
    dispatcher_->offer(std::move(connection), now_);
  }
  dispatcher_->detach(0, now_);
  dispatcher_->flush(now_);
  EXPECT_EQ(lying()[1], 4u);
}

TEST_F(DispatcherTest, WithNobodyLeftTheUntakenWaitForTheNextWorker) {
  offer(4);
  dispatcher_->detach(0, now_);
  dispatcher_->detach(1, now_);
  EXPECT_EQ(dispatcher_->waiting(), 4u);
  EXPECT_TRUE(dispatcher_->busy());
  replace(0);
  dispatcher_->observe(now_);
  EXPECT_EQ(lying()[0], 4u);
}

TEST_F(DispatcherTest, CountsGoOnWhereThePredecessorStopped) {
  offer(4);
  take_all();
  dispatcher_->detach(0, now_);
  replace(0);
  offer(4);
  take_all();
  dispatcher_->observe(now_);
  EXPECT_EQ(dispatcher_->counts(0).given, 4u);
  EXPECT_EQ(dispatcher_->counts(0).taken, 4u);
}

TEST_F(DispatcherTest, ANewProcessAtThePlaceMayGetAndLoseWhatItsPredecessorHadUntaken) {
  set_up({.workers = 1});
  offer(1);
  dispatcher_->detach(0, now_);
  replace(0);
  dispatcher_->observe(now_);
  EXPECT_EQ(lying(), (Sizes{1}));
}

TEST_F(DispatcherTest, AFullChannelIsNotEligibleAndItsBatchGoesElsewhere) {
  port(0).answer = ipc::Sent::kFull;
  offer(8);
  EXPECT_EQ(lying(), (Sizes{0, 8}));
  EXPECT_EQ(port(0).room_wishes, 1);
  offer(2);
  EXPECT_EQ(lying(), (Sizes{0, 10}));
}

TEST_F(DispatcherTest, ARefusedBatchReachesAWorkerWhoseTurnWasBefore) {
  port(1).answer = ipc::Sent::kFull;
  offer(8);
  EXPECT_EQ(lying(), (Sizes{8, 0}));
}

TEST_F(DispatcherTest, AFullChannelIsTriedAgainThoughNothingIsUntaken) {
  port(0).answer = ipc::Sent::kFull;
  offer(2);
  port(1).take_all();
  port(0).answer = ipc::Sent::kYes;
  EXPECT_TRUE(dispatcher_->busy());
  dispatcher_->observe(now_);
  EXPECT_FALSE(dispatcher_->busy());
  offer(2);
  EXPECT_EQ(lying(), (Sizes{1, 1}));
}

TEST_F(DispatcherTest, AllChannelsFullMakesConnectionsWaitAndLosesNone) {
  port(0).answer = port(1).answer = ipc::Sent::kFull;
  offer(20);
  EXPECT_EQ(dispatcher_->waiting(), 20u);
  EXPECT_FALSE(dispatcher_->has_room(0));
  port(1).answer = ipc::Sent::kYes;
  dispatcher_->observe(now_);
  EXPECT_EQ(lying(), (Sizes{0, 20}));
}

TEST_F(DispatcherTest, ABrokenChannelLosesNothing) {
  port(0).answer = ipc::Sent::kClosed;
  offer(6);
  EXPECT_EQ(lying(), (Sizes{0, 6}));
  dispatcher_->detach(0, now_);
  expect_counts_agree(0);
}

TEST_F(DispatcherTest, WhatWasChosenForAWorkerThatRestsGoesToAnother) {
  for (int i = 0; i < 4; ++i) dispatcher_->offer({}, now_);
  dispatcher_->serve(0, false);
  dispatcher_->flush(now_);
  EXPECT_EQ(lying(), (Sizes{0, 4}));
}

TEST_F(DispatcherTest, WhatWasChosenForTheLastWorkerThatDrainsReachesItsChannelFirst) {
  for (int i = 0; i < 4; ++i) dispatcher_->offer({}, now_);
  dispatcher_->serve(0, false);
  dispatcher_->serve(1, false);
  EXPECT_EQ(lying(), (Sizes{0, 4}));
  EXPECT_EQ(dispatcher_->waiting(), 0u);
}

TEST_F(DispatcherTest, LeastFollowsOpenUntakenAndBatched) {
  set_up({.workers = 3, .policy = config::Policy::kLeast});
  port(0).open = 5;
  port(1).open = 2;
  offer(10);
  EXPECT_EQ(lying(), (Sizes{1, 4, 5}));
}

TEST_F(DispatcherTest, AnIdlePoolIsNotBusy) {
  EXPECT_FALSE(dispatcher_->busy());
  offer(2);
  EXPECT_TRUE(dispatcher_->busy());
  take_all();
  dispatcher_->observe(now_);
  EXPECT_FALSE(dispatcher_->busy());
}

TEST_F(DispatcherTest, AWorkerThatIsAddedTakesItsTurn) {
  set_up({.workers = 0}, 1);
  EXPECT_FALSE(dispatcher_->has_room(0));
  for (std::size_t worker = 0; worker < 3; ++worker) {
    dispatcher_->add_worker();
    ports_.emplace_back();
    replace(worker);
    offer(3);
  }
  EXPECT_EQ(lying(), (Sizes{3 + 1 + 1, 2 + 1, 1}));
  dispatcher_->detach(0, now_);
  dispatcher_->flush(now_);
  EXPECT_EQ(lying()[1] + lying()[2], 9U);
}

}  // namespace
}  // namespace roundhouse::edge
