#include "edge/renewal_schedule.h"

#include <gtest/gtest.h>

namespace roundhouse::edge {
namespace {

using namespace std::chrono_literals;

class RenewalScheduleTest : public testing::Test {
 protected:
  // A look that is due, takes 10 ms and finds that.
  bool look(const std::string& wrong) {
    EXPECT_TRUE(schedule_.is_due(now_));
    schedule_.begun();
    now_ += 10ms;
    return schedule_.ended(now_, wrong);
  }
  Duration until_due() {
    const Time from = now_;
    while (!schedule_.is_due(now_)) now_ += 10ms;
    return now_ - from;
  }

  Time now_{1000h};
  RenewalSchedule schedule_{now_};
};

TEST_F(RenewalScheduleTest, TheFirstLookIsAtOnceAndOthersComeNowAndThen) {
  EXPECT_FALSE(look(""));
  EXPECT_EQ(until_due(), RenewalSchedule::kLookEvery);
}

TEST_F(RenewalScheduleTest, AChangeIsLookedAtWhenItIsQuiet) {
  look("");
  now_ += 10s;
  schedule_.changed(now_);
  now_ += 200ms;
  schedule_.changed(now_);
  EXPECT_EQ(until_due(), RenewalSchedule::kQuiet);
}

TEST_F(RenewalScheduleTest, WhoeverWritesOnAndOnIsNotWaitedForForever) {
  look("");
  now_ += 10s;
  const Time first = now_;
  while (!schedule_.is_due(now_)) {
    schedule_.changed(now_);
    now_ += 10ms;
  }
  EXPECT_EQ(now_ - first, RenewalSchedule::kQuietAtMost);
  look("");
  schedule_.changed(now_);
  EXPECT_EQ(until_due(), RenewalSchedule::kPause) << "looks have a pause between them";
}

TEST_F(RenewalScheduleTest, AChangeWhileSomebodyLooksIsLookedAtAfterwards) {
  schedule_.begun();
  schedule_.changed(now_);
  now_ += 5s;
  EXPECT_FALSE(schedule_.is_due(now_));
  schedule_.ended(now_, "");
  EXPECT_EQ(until_due(), RenewalSchedule::kPause);
}

TEST_F(RenewalScheduleTest, AFaultIsToldOnceAfterItHasStayedForSomeSeconds) {
  look("");
  schedule_.changed(now_);
  until_due();
  const Time found = now_;
  int looks = 1;
  while (!look("no key")) {
    EXPECT_LE(until_due(), RenewalSchedule::kPause);
    ++looks;
  }
  EXPECT_GE(now_ - found, RenewalSchedule::kPatience);
  EXPECT_LE(now_ - found, RenewalSchedule::kPatience + 2s);
  EXPECT_LE(looks, 7);
  EXPECT_EQ(until_due(), RenewalSchedule::kLookEvery);
  EXPECT_FALSE(look("no key"));
}

TEST_F(RenewalScheduleTest, AFaultThatIsMendedInTimeIsNeverTold) {
  EXPECT_FALSE(look("no key"));
  until_due();
  EXPECT_FALSE(look(""));
  now_ += RenewalSchedule::kLookEvery;
  EXPECT_FALSE(look("no key")) << "another one has its own time";
}

TEST_F(RenewalScheduleTest, FaultsThatChangeAllTheTimeAreToldAndTheNextHasItsOwnTime) {
  int number = 0;
  const Time found = now_;
  while (!look(std::to_string(++number))) until_due();
  EXPECT_LE(now_ - found, RenewalSchedule::kPatience + 2s);
  schedule_.changed(now_);
  until_due();
  EXPECT_FALSE(look("another"));
}

}  // namespace
}  // namespace roundhouse::edge
