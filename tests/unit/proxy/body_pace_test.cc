#include "proxy/body_pace.h"

#include <gtest/gtest.h>

namespace roundhouse::proxy {
namespace {

using namespace std::chrono_literals;

const Time kStart{1h};

class BodyPaceTest : public testing::Test {
 protected:
  BodyPaceTest() { pace.start(100, kStart); }
  Duration left(Time now) const { return pace.deadline() - now; }
  BodyPace pace;
};

TEST_F(BodyPaceTest, WithoutAnyByteItEndsAfterTheGrace) { EXPECT_EQ(left(kStart), 5s); }

TEST_F(BodyPaceTest, WhoKeepsThePaceGoesOnForEver) {
  for (int i = 1; i < 1000; ++i) {
    const Time now = kStart + i * 1s;
    pace.moved(100, now);
    EXPECT_EQ(left(now), 5s);
  }
}

TEST_F(BodyPaceTest, WhoDripsEndsHoweverOftenAByteComes) {
  Time now = kStart;
  while (now < pace.deadline()) {
    now += 100ms;
    pace.moved(1, now);
  }
  EXPECT_LE(now, kStart + 6s) << "10 of 100 bytes a second came";
}

TEST_F(BodyPaceTest, WhatCameFastBuysAMinuteAtMost) {
  pace.moved(1'000'000, kStart);
  EXPECT_EQ(left(kStart), BodyPace::kCreditMax);
}

TEST_F(BodyPaceTest, TimeInWhichSomebodyElseIsWaitedForDoesNotCount) {
  pace.set_waiting(false, kStart + 2s);
  pace.set_waiting(false, kStart + 3s);
  pace.set_waiting(true, kStart + 1h);
  pace.set_waiting(true, kStart + 1h + 1s);
  EXPECT_EQ(left(kStart + 1h), 3s);
}

TEST_F(BodyPaceTest, WithoutARateThereIsNoDeadline) {
  pace.start(0, kStart);
  pace.moved(1, kStart + 1s);
  pace.set_waiting(false, kStart + 1s);
  pace.set_waiting(true, kStart + 2s);
  EXPECT_EQ(pace.deadline(), Time::max());
}

TEST_F(BodyPaceTest, TheHighestRateIsExact) {
  pace.start(1024 * 1024, kStart);
  pace.moved(1024 * 1024, kStart + 1s);
  EXPECT_EQ(left(kStart + 1s), 5s);
}

}  // namespace
}  // namespace roundhouse::proxy
