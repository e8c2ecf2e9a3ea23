#include "net/deadline_queue.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <random>
#include <vector>

namespace roundhouse {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Probe : Deadline {
  int fired = 0;
  std::function<void()> then;
  void expired() override {
    ++fired;
    if (then) then();
  }
};

const Time kStart = Time(seconds(1'000'000));

TEST(DeadlineQueue, FiresNeverEarlyAndAtMostOneResolutionLate) {
  std::mt19937 random(7);
  DeadlineQueue queue(kStart);
  for (int i = 0; i < 2'000; ++i) {
    Probe probe;
    const Time when = kStart + milliseconds(random() % 300'000);
    DeadlineQueue fresh(kStart);
    fresh.set(probe, when);
    fresh.advance(when - milliseconds(1));
    EXPECT_EQ(probe.fired, 0);
    fresh.advance(std::max(when, kStart + milliseconds(1)) + DeadlineQueue::kResolution);
    EXPECT_EQ(probe.fired, 1);
    EXPECT_TRUE(fresh.empty());
  }
}

TEST(DeadlineQueue, MovingADeadlineForgetsTheOldTime) {
  DeadlineQueue queue(kStart);
  Probe probe;
  queue.set(probe, kStart + seconds(1));
  queue.set(probe, kStart + seconds(5));
  queue.advance(kStart + seconds(4));
  EXPECT_EQ(probe.fired, 0);
  queue.advance(kStart + seconds(6));
  EXPECT_EQ(probe.fired, 1);
}

TEST(DeadlineQueue, ADestroyedDeadlineNeverFires) {
  DeadlineQueue queue(kStart);
  auto probe = std::make_unique<Probe>();
  queue.set(*probe, kStart + seconds(1));
  EXPECT_EQ(queue.size(), 1u);
  probe.reset();
  EXPECT_TRUE(queue.empty());
  queue.advance(kStart + seconds(2));
}

TEST(DeadlineQueue, BeyondTheHorizonWaitsForItsOwnRound) {
  DeadlineQueue queue(kStart);
  Probe probe;
  queue.set(probe, kStart + seconds(250));
  for (int s = 1; s < 250; ++s) queue.advance(kStart + seconds(s));
  EXPECT_EQ(probe.fired, 0);
  queue.advance(kStart + seconds(251));
  EXPECT_EQ(probe.fired, 1);
}

TEST(DeadlineQueue, ExpiryMaySetItselfAgainAndDestroyOthers) {
  DeadlineQueue queue(kStart);
  Probe again;
  auto victim = std::make_unique<Probe>();
  again.then = [&] {
    victim.reset();
    if (again.fired < 3) queue.set(again, kStart + seconds(again.fired + 1));
  };
  queue.set(again, kStart + milliseconds(950));
  queue.set(*victim, kStart + milliseconds(950));
  queue.advance(kStart + seconds(1));
  EXPECT_EQ(again.fired, 1);
  EXPECT_EQ(victim, nullptr);
  queue.advance(kStart + seconds(10));
  queue.advance(kStart + seconds(11));
  EXPECT_EQ(again.fired, 3);
}

TEST(DeadlineQueue, AfterALongPauseEverythingDueFiresOnce) {
  DeadlineQueue queue(kStart);
  std::vector<std::unique_ptr<Probe>> probes;
  for (int i = 0; i < 500; ++i) {
    probes.push_back(std::make_unique<Probe>());
    queue.set(*probes.back(), kStart + milliseconds(i * 777));
  }
  queue.advance(kStart + seconds(3'600));
  for (const auto& probe : probes) EXPECT_EQ(probe->fired, 1);
}

}  // namespace
}  // namespace roundhouse
