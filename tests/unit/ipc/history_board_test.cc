#include "ipc/history_board.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace roundhouse::ipc {
namespace {

HistorySample sample_at(double at, float requests = 1) {
  HistorySample sample{.at = at, .requests_per_second = requests};
  for (WorkerLoad& load : sample.workers) load = {requests, NAN};
  return sample;
}

class HistoryBoardTest : public testing::Test {
 protected:
  // As the next monitor does, which gets a copy of the edge's descriptor.
  Result<HistoryBoard> next() {
    return HistoryBoard::open(UniqueFd(::fcntl(board_.fd(), F_DUPFD_CLOEXEC, 0)));
  }
  HistoryMemory& memory() {
    mapping_ = map_memory(board_.fd(), sizeof(HistoryMemory), Access::kReadWrite).value();
    return *static_cast<HistoryMemory*>(mapping_.address());
  }

  HistoryBoard board_ = HistoryBoard::create().value();
  Mapping mapping_;
};

TEST_F(HistoryBoardTest, KeepsTheLastSamplesForTheNextMonitor) {
  for (int i = 1; i <= 305; ++i) board_.add(HistoryStep::kFine, sample_at(i));
  board_.add(HistoryStep::kCoarse, sample_at(7));
  const auto fine = next()->samples(HistoryStep::kFine);
  ASSERT_EQ(fine.size(), kFineSamples);
  EXPECT_EQ(fine.front().at, 6);
  EXPECT_EQ(fine.back().at, 305);
  EXPECT_EQ(next()->samples(HistoryStep::kCoarse).size(), 1U);
}

TEST_F(HistoryBoardTest, PassesOverSamplesThatMakeNoSense) {
  for (int i = 1; i <= 9; ++i) board_.add(HistoryStep::kFine, sample_at(i));
  memory().fine[0].at = NAN;
  memory().fine[1].at = -1;
  memory().fine[2].requests_per_second = INFINITY;
  memory().fine[3].p99_seconds = -1;
  memory().fine[4].workers[63].cpu_percent = -1;
  memory().fine[5].requests_per_second = NAN;  // cannot be told
  memory().fine[6].at = 9;                     // twice
  const auto fine = next()->samples(HistoryStep::kFine);
  ASSERT_EQ(fine.size(), 3U);
  EXPECT_EQ(fine[0].at, 6);
  EXPECT_EQ(fine[1].at, 8);
  EXPECT_EQ(fine[2].at, 9);
}

TEST_F(HistoryBoardTest, AWorkerKeepsItsPlaceAndWhoComesForAnotherBeginsWithNothing) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kHistoryWorkers; ++i) names.push_back("app/" + std::to_string(i));
  const auto places = board_.place_workers(names);
  board_.add(HistoryStep::kFine, sample_at(1));
  EXPECT_EQ(next()->place_workers(names), places);
  names[5] = "new/1";
  EXPECT_EQ(next()->place_workers(names)[5], places[5]);
  EXPECT_EQ(board_.workers()[places[5]], "new/1");
  const auto samples = board_.samples(HistoryStep::kFine);
  EXPECT_TRUE(std::isnan(samples[0].workers[places[5]].requests_per_second));
  EXPECT_EQ(samples[0].workers[places[6]].requests_per_second, 1);
  names.emplace_back("one/more");
  EXPECT_EQ(board_.place_workers(names).back(), kHistoryWorkers) << "there is no place";
}

TEST_F(HistoryBoardTest, KeepsTheLastThousandEvents) {
  for (int i = 1; i <= 1005; ++i)
    EXPECT_EQ(board_.add_event({.at = 5, .subject = "app/1", .text = std::to_string(i)}),
              static_cast<std::uint64_t>(i));
  const auto events = next()->events(0);
  ASSERT_EQ(events.size(), kKeptEvents);
  EXPECT_EQ(events.front().sequence, 6U);
  EXPECT_EQ(events.back().text, "1005");
  EXPECT_EQ(board_.events(1003).size(), 2U);
  EXPECT_TRUE(board_.events(1005).empty());
  EXPECT_TRUE(board_.events(UINT64_MAX).empty());
}

TEST_F(HistoryBoardTest, CutsTextsThatAreTooLong) {
  board_.add_event({.at = 1, .subject = std::string(1000, 's'), .detail = std::string(1000, 'd')});
  EXPECT_EQ(board_.events(0)[0].subject, std::string(159, 's'));
  EXPECT_EQ(board_.events(0)[0].detail, std::string(239, 'd'));
}

TEST_F(HistoryBoardTest, PassesOverEventsThatMakeNoSense) {
  for (int i = 1; i <= 5; ++i) board_.add_event({.at = 1, .text = std::to_string(i)});
  memory().events[1].sequence = 77;
  memory().events[2].kind = static_cast<EventKind>(99);
  memory().events[3].level = static_cast<EventLevel>(3);
  memory().events[4].at = INFINITY;
  std::fill_n(memory().events[5].text, sizeof memory().events[5].text, 'x');
  const auto events = next()->events(0);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].text, std::string(159, 'x')) << "no end, no overrun";
}

TEST_F(HistoryBoardTest, WhatIsNoHistoryIsNotOpened) {
  memory().events_written = UINT64_MAX - 1;
  EXPECT_FALSE(next());
  memory().events_written = 0;
  EXPECT_TRUE(next());
  memory().magic = 1;
  EXPECT_FALSE(next());
}

}  // namespace
}  // namespace roundhouse::ipc
