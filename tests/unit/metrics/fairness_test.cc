#include "metrics/fairness.h"

#include <gtest/gtest.h>

#include <vector>

namespace roundhouse::metrics {
namespace {

using namespace std::chrono_literals;
using Sample = FairnessWindow::Sample;

// A pool whose counters go up by what a test says, a second at a time.
class Pool {
 public:
  explicit Pool(std::size_t workers) : window_(workers), samples_(workers) {
    for (std::size_t i = 0; i < workers; ++i) samples_[i] = {0, static_cast<int>(100 + i), true};
    window_.add(now_, samples_);
  }
  Sample& operator[](std::size_t worker) { return samples_[worker]; }
  void pass(const std::vector<int>& given) {
    now_ += 1s;
    for (std::size_t i = 0; i < given.size(); ++i) samples_[i].connections += given[i];
    window_.add(now_, samples_);
  }
  std::optional<double> index() const { return window_.index(); }

 private:
  Time now_{100s};
  FairnessWindow window_;
  std::vector<Sample> samples_;
};

TEST(Fairness, IsOneWhenEveryWorkerGotTheSame) {
  Pool pool(4);
  pool.pass({16, 16, 16, 16});
  EXPECT_DOUBLE_EQ(pool.index().value(), 1);
}

TEST(Fairness, IsOneOfNWhenOneWorkerGotEverything) {
  Pool pool(4);
  pool.pass({400, 0, 0, 0});
  EXPECT_DOUBLE_EQ(pool.index().value(), 0.25);
}

TEST(Fairness, IsJainsIndexInBetween) {
  Pool pool(2);
  pool.pass({30, 10});
  EXPECT_NEAR(pool.index().value(), 1600.0 / (2 * 1000), 1e-9);
}

TEST(Fairness, IsAbsentBelowSixteenConnectionsPerWorker) {
  Pool pool(4);
  EXPECT_EQ(pool.index(), std::nullopt);
  pool.pass({16, 16, 16, 15});
  EXPECT_EQ(pool.index(), std::nullopt);
  pool.pass({0, 0, 0, 1});
  EXPECT_TRUE(pool.index().has_value());
}

TEST(Fairness, SumsUpOverIntervalsSoThatARoundingOfTheRotationDoesNotCount) {
  Pool pool(3);
  for (int i = 0; i < 16; ++i) {
    pool.pass({1, 0, 0});
    pool.pass({0, 1, 0});
    pool.pass({0, 0, 1});
  }
  EXPECT_NEAR(pool.index().value(), 1, 1e-6);
}

TEST(Fairness, ForgetsWhatIsOlderThanTheWindow) {
  Pool pool(2);
  pool.pass({1000, 0});
  for (int i = 0; i < 60; ++i) pool.pass({1, 1});
  EXPECT_NEAR(pool.index().value(), 1, 1e-6);
  for (int i = 0; i < 60; ++i) pool.pass({0, 0});
  EXPECT_EQ(pool.index(), std::nullopt);
}

TEST(Fairness, AWorkerThatWasAwayIsNotDueWhatTheOthersGotMeanwhile) {
  Pool pool(3);
  pool.pass({20, 20, 20});
  pool[2].eligible = false;
  for (int i = 0; i < 5; ++i) pool.pass({30, 30, 0});
  pool[2].eligible = true;
  pool.pass({15, 15, 0});  // not eligible from the beginning of this second
  pool.pass({20, 20, 20});
  EXPECT_NEAR(pool.index().value(), 1, 1e-6);
}

TEST(Fairness, AWorkerReplacedWithinASecondIsNotJudgedByThatSecond) {
  Pool pool(2);
  pool.pass({20, 20});
  pool[1].pid = 999;
  pool.pass({40, 3});
  EXPECT_NEAR(pool.index().value(), 1, 1e-6);
}

TEST(Fairness, AnEligibleWorkerThatIsStarvedCounts) {
  Pool pool(2);
  pool.pass({20, 20});
  pool.pass({80, 0});
  EXPECT_LT(pool.index().value(), 0.75);
}

TEST(Fairness, ConnectionsTakenBackAreNotNegative) {
  Pool pool(2);
  pool.pass({20, 20});
  pool.pass({-3, 3});
  EXPECT_GT(pool.index().value(), 0.99);
  EXPECT_LE(pool.index().value(), 1);
}

TEST(Fairness, OneWorkerAloneIsFair) {
  Pool pool(1);
  pool.pass({16});
  EXPECT_DOUBLE_EQ(pool.index().value(), 1);
}

}  // namespace
}  // namespace roundhouse::metrics
