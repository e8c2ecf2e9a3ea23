#include "ipc/rate_table.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace roundhouse::ipc {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kTagOne = std::uint64_t{1} << 48;

// `sets` of them; time is what the test says.
class Table {
 public:
  explicit Table(std::size_t sets) : cells_(sets * RateTable::kWays), table_(cells_) {}

  Verdict take(std::uint64_t key, const Pace& pace, Duration now) {
    return table_.take(key, pace, now);
  }
  int granted(std::uint64_t key, const Pace& pace, Duration now, int tries) {
    int count = 0;
    for (int i = 0; i < tries; ++i) count += take(key, pace, now).allowed ? 1 : 0;
    return count;
  }
  std::vector<RateTable::Cell>& cells() { return cells_; }

 private:
  std::vector<RateTable::Cell> cells_;
  RateTable table_;
};

TEST(RateTable, AFullShareMayComeAtOnceAndNoMore) {
  Table table(16);
  EXPECT_EQ(table.granted(7, Pace::of(10, 1s), 5s, 100), 10);
}

TEST(RateTable, ABucketThatNobodyUsedIsFullFromTheFirstMomentOn) {
  Table table(16);
  EXPECT_EQ(table.granted(0, Pace::of(3, 1s), 0s, 10), 3);
}

TEST(RateTable, TokensComeBackOneByOne) {
  Table table(16);
  const Pace pace = Pace::of(10, 1s);
  table.granted(7, pace, 5s, 10);
  EXPECT_EQ(table.granted(7, pace, 5s + 99ms, 5), 0);
  EXPECT_EQ(table.granted(7, pace, 5s + 100ms, 5), 1);
  EXPECT_EQ(table.granted(7, pace, 5s + 400ms, 5), 3);
  EXPECT_EQ(table.granted(7, pace, 60s, 100), 10) << "never more than all of them";
}

TEST(RateTable, WhoIsRefusedIsToldWhenToComeAgain) {
  Table table(16);
  const Pace pace = Pace::of(2, 10s);
  table.granted(7, pace, 5s, 2);
  const Verdict verdict = table.take(7, pace, 6s);
  EXPECT_FALSE(verdict.allowed);
  EXPECT_EQ(verdict.retry_after, 4s);
  EXPECT_TRUE(table.take(7, pace, 6s + verdict.retry_after).allowed);
}

TEST(RateTable, ARefusalCostsNothing) {
  Table table(16);
  const Pace pace = Pace::of(1, 1s);
  table.take(7, pace, 1s);
  EXPECT_EQ(table.granted(7, pace, 1500ms, 1000), 0);
  EXPECT_TRUE(table.take(7, pace, 2s).allowed);
}

TEST(RateTable, OverALongTimeTheRateIsWhatWasAskedFor) {
  Table table(16);
  const Pace pace = Pace::of(1000, 1s);
  int granted = 0;
  for (Duration now = 0s; now < 10s; now += 250us)
    granted += table.take(7, pace, now).allowed ? 1 : 0;
  EXPECT_EQ(granted, 1000 + 9999) << "one share at once, and what was earned up to 9.99975 s";
}

TEST(RateTable, EachKeyHasItsOwnBucket) {
  Table table(16);
  const Pace pace = Pace::of(5, 1s);
  for (std::uint64_t tag = 1; tag <= 4; ++tag)
    EXPECT_EQ(table.granted(tag * kTagOne, pace, 1s, 20), 5) << tag;
}

TEST(RateTable, KeysOfOneSetWithTheSameTagShareABucket) {
  Table table(16);
  const Pace pace = Pace::of(5, 1s);
  EXPECT_EQ(table.granted(kTagOne + 3, pace, 1s, 3), 3);
  EXPECT_EQ(table.granted(kTagOne + 3 + 16, pace, 1s, 20), 2);
  EXPECT_EQ(table.granted(kTagOne + 4, pace, 1s, 20), 5) << "another set is another bucket";
}

TEST(RateTable, InAFullSetOneThatIsFullAgainMakesRoom) {
  Table table(1);
  const Pace slow = Pace::of(5, 10s);
  const Pace fast = Pace::of(5, 1s);
  for (std::uint64_t tag = 1; tag <= 3; ++tag) table.granted(tag * kTagOne, slow, 1s, 5);
  table.granted(4 * kTagOne, fast, 1s, 5);
  EXPECT_EQ(table.granted(5 * kTagOne, slow, 3s, 20), 5);
  for (std::uint64_t tag = 1; tag <= 3; ++tag)
    EXPECT_EQ(table.granted(tag * kTagOne, slow, 3s, 20), 1) << tag << " was kept";
}

TEST(RateTable, ElseTheOneNearestToThatMakesRoom) {
  Table table(1);
  const Pace pace = Pace::of(5, 10s);
  for (std::uint64_t tag = 1; tag <= 4; ++tag)
    table.granted(tag * kTagOne, pace, 1s, tag == 3 ? 1 : 5);
  EXPECT_EQ(table.granted(5 * kTagOne, pace, 1s, 20), 5);
  EXPECT_EQ(table.granted(1 * kTagOne, pace, 1s, 20), 0);
  EXPECT_EQ(table.granted(2 * kTagOne, pace, 1s, 20), 0);
  EXPECT_EQ(table.granted(4 * kTagOne, pace, 1s, 20), 0);
}

TEST(RateTable, AWordThatNobodyCanHaveWrittenHealsByItself) {
  Table table(1);
  for (RateTable::Cell& cell : table.cells()) cell.store(~std::uint64_t{0});
  const Pace pace = Pace::of(2, 1s);
  const std::uint64_t key = std::uint64_t{0xffff} << 48;
  const Verdict verdict = table.take(key, pace, 1s);
  EXPECT_FALSE(verdict.allowed);
  EXPECT_EQ(verdict.retry_after, 500ms) << "a bucket lacks no more than all its tokens";
}

TEST(RateTable, RatesAboveOneAMicrosecondAreHeldAsThat) {
  EXPECT_EQ(Pace::of(10'000'000, 1s).interval_us, 1);
  EXPECT_EQ(Pace::of(3, 1s).interval_us, 333'333);
  EXPECT_EQ(Pace::of(3, 1s).window_us, 999'999);
}

TEST(RateTable, ManyThreadsTogetherGetExactlyTheShareOfEachKey) {
  constexpr int kThreads = 4;
  constexpr int kKeys = 3;  // of one set
  Table table(1);
  const Pace pace = Pace::of(5000, 3600s);
  std::vector<std::array<int, kKeys>> granted(kThreads);
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (const Verdict& verdict : {table.take(kTagOne, pace, 1s), table.take(2 * kTagOne, pace, 1s),
                                 table.take(3 * kTagOne, pace, 1s)})
    ASSERT_TRUE(verdict.allowed);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&table, &pace, &mine = granted[i]] {
      mine = {};
      for (int n = 0; n < 5000; ++n) {
        for (std::uint64_t k = 0; k < kKeys; ++k)
          mine[k] += table.take((k + 1) * kTagOne, pace, 1s).allowed ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int k = 0; k < kKeys; ++k) {
    int sum = 1;
    for (const auto& mine : granted) sum += mine[k];
    EXPECT_EQ(sum, 5000) << k;
  }
}

}  // namespace
}  // namespace roundhouse::ipc
