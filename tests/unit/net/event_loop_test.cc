#include "net/event_loop.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

#include "base/unique_fd.h"

namespace roundhouse {
namespace {

using std::chrono::milliseconds;

struct StopWhenReadable : IoHandler {
  explicit StopWhenReadable(EventLoop& loop) : loop(loop) {}
  void on_ready(Ready ready) override {
    readable = ready.readable;
    loop.stop();
  }
  EventLoop& loop;
  bool readable = false;
};

TEST(EventLoop, TellsThatADescriptorIsReadable) {
  auto loop = *EventLoop::create();
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const UniqueFd reader(ends[0]);
  const UniqueFd writer(ends[1]);
  StopWhenReadable handler(*loop);
  IoWatcher watcher;
  watcher.watch(*loop, reader.get(), Interest::kRead, Trigger::kLevel, handler);
  ASSERT_EQ(::write(writer.get(), "x", 1), 1);
  loop->run();
  EXPECT_TRUE(handler.readable);
}

TEST(EventLoop, DeferredWorkRunsAtTheEndOfTheTurnAndMayDeferMore) {
  auto loop = *EventLoop::create();
  std::vector<int> order;
  Timer timer(*loop, [&] {
    loop->defer([&] {
      order.push_back(2);
      loop->defer([&] {
        order.push_back(3);
        loop->stop();
      });
    });
    order.push_back(1);
  });
  timer.start_once(milliseconds(0));
  loop->run();
  EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

TEST(EventLoop, WhatIsDeletedLaterLivesUntilTheEndOfTheTurn) {
  struct Tracked {
    explicit Tracked(bool& gone) : gone(gone) {}
    ~Tracked() { gone = true; }
    bool& gone;
  };
  auto loop = *EventLoop::create();
  bool gone = false;
  bool gone_during_turn = true;
  Timer timer(*loop, [&] {
    loop->delete_later(std::make_unique<Tracked>(gone));
    gone_during_turn = gone;
    loop->stop();
  });
  timer.start_once(milliseconds(0));
  loop->run();
  EXPECT_FALSE(gone_during_turn);
  EXPECT_TRUE(gone);
}

TEST(EventLoop, BusyTimeCountsWorkNotWaiting) {
  auto loop = *EventLoop::create();
  Timer timer(*loop, [&] {
    const Time until = Clock::now() + milliseconds(20);
    while (Clock::now() < until) {
    }
    loop->stop();
  });
  timer.start_once(milliseconds(50));
  const Time began = Clock::now();
  loop->run();
  EXPECT_GE(loop->busy(), milliseconds(20));
  EXPECT_LT(loop->busy(), Clock::now() - began - milliseconds(49));
}

TEST(EventLoop, SignalsArriveInTheLoop) {
  auto loop = *EventLoop::create();
  int count = 0;
  SignalWatcher watcher(*loop, SIGUSR1, [&] {
    ++count;
    loop->stop();
  });
  ASSERT_EQ(::raise(SIGUSR1), 0);
  loop->run();
  EXPECT_EQ(count, 1);
}

struct CountReads : IoHandler {
  void on_ready(Ready /*ready*/) override { ++reads; }
  int reads = 0;
};

TEST(EventLoop, InABaseOfSomebodyElseATurnEndsWithThePass) {
  event_base* const base = event_base_new();
  {
    const auto loop = EventLoop::adopt(base);
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const UniqueFd reader(ends[0]);
    const UniqueFd writer(ends[1]);
    CountReads handler;
    IoWatcher watcher;
    watcher.watch(*loop, reader.get(), Interest::kRead, Trigger::kLevel, handler);
    int deferred = 0;
    loop->defer([&] {
      ++deferred;
      loop->defer([&] { ++deferred; });
    });
    ASSERT_EQ(::write(writer.get(), "x", 1), 1);
    ASSERT_EQ(event_base_loop(base, EVLOOP_ONCE), 0);  // theirs, not ours
    EXPECT_EQ(deferred, 2);
    ASSERT_EQ(event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK), 0);
    EXPECT_GE(handler.reads, 1);
    watcher.stop();
    EXPECT_EQ(event_base_loop(base, EVLOOP_NONBLOCK), 1);  // nothing of ours is left
  }
  event_base_free(base);
}

TEST(EventLoop, InABaseOfSomebodyElseItCanBeRunAndStopped) {
  event_base* const base = event_base_new();
  {
    const auto loop = EventLoop::adopt(base);
    int ticks = 0;
    Timer timer(*loop, [&] {
      if (++ticks == 3) loop->stop();
    });
    timer.start_periodic(milliseconds(1));
    loop->run();
    EXPECT_EQ(ticks, 3);
  }
  event_base_free(base);
}

}  // namespace
}  // namespace roundhouse
