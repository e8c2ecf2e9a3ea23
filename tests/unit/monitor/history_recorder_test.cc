#include "monitor/history_recorder.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/fake_instance.h"

namespace roundhouse::monitor {
namespace {

using namespace std::chrono_literals;
using test::FakeInstance;

constexpr Time kStart{1000s};

class HistoryRecorderTest : public testing::Test {
 protected:
  static metrics::Layout layout() {
    metrics::Layout layout = FakeInstance::one_pool(2);
    layout.pools[0].type = "proxy";
    layout.routes = {{.name = "site", .row = 1}};
    return layout;
  }
  void record(Duration after) {
    recorder_.record(instance_.snapshot(kStart + after), kStart + after, 5000 + seconds(after));
  }
  std::vector<ipc::HistorySample> fine() { return board_.samples(ipc::HistoryStep::kFine); }

  FakeInstance instance_{layout()};
  ipc::HistoryBoard board_ = ipc::HistoryBoard::create().value();
  HistoryRecorder recorder_{board_};
};

TEST_F(HistoryRecorderTest, ASampleIsWhatHappenedSinceTheLastLook) {
  instance_.slot(0).requests_total = 1000;
  record(0s);
  EXPECT_TRUE(fine().empty());
  instance_.slot(0).requests_total = 1030;
  instance_.slot(1).requests_total = 10;
  instance_.slot(0).routes[1].answers.count(200);
  instance_.slot(0).routes[1].answers.count(404);
  instance_.slot(1).routes[1].answers.count(502);
  instance_.listener(0).accepted = 4;
  record(2s);
  ASSERT_EQ(fine().size(), 1U);
  const ipc::HistorySample sample = fine()[0];
  EXPECT_EQ(sample.at, 5002);
  EXPECT_EQ(sample.requests_per_second, 20);
  EXPECT_EQ(sample.errors_per_second, 0.5);
  EXPECT_EQ(sample.connections_per_second, 2);
  EXPECT_EQ(sample.workers[0].requests_per_second, 15);
  EXPECT_EQ(sample.workers[1].requests_per_second, 5);
  EXPECT_EQ(board_.workers()[1], "hello/2");
}

TEST_F(HistoryRecorderTest, QuantilesAreOfWhatWasMeasuredMeanwhile) {
  for (int i = 0; i < 100; ++i) instance_.slot(0).routes[1].durations.record(9'000'000'000);
  record(0s);
  record(1s);
  for (int i = 0; i < 100; ++i) instance_.slot(0).routes[1].durations.record(400'000);
  instance_.slot(1).handoff_buckets[0] = 3;
  record(2s);
  ASSERT_EQ(fine().size(), 2U);
  EXPECT_TRUE(std::isnan(fine()[0].p99_seconds)) << "nothing was answered";
  EXPECT_LE(fine()[1].p99_seconds, 0.001F);
  EXPECT_NEAR(fine()[1].p50_seconds, 0.0005F, 1e-6);
  EXPECT_LE(fine()[1].handoff_p99_seconds, 0.00005F);
}

TEST_F(HistoryRecorderTest, EveryTenSecondsThereIsASampleOfAllOfThem) {
  for (int i = 0; i <= 21; ++i) {
    instance_.slot(0).requests_total = static_cast<std::uint64_t>(i < 10 ? i * 10 : 100);
    record(std::chrono::seconds(i));
  }
  const auto coarse = board_.samples(ipc::HistoryStep::kCoarse);
  ASSERT_EQ(coarse.size(), 2U);
  EXPECT_EQ(coarse[0].requests_per_second, 10);
  EXPECT_EQ(coarse[1].requests_per_second, 0);
  EXPECT_EQ(fine().size(), 21U);
}

TEST(HistoryRecorder, WhatAPoolDoesNotTellIsNotNought) {
  metrics::Layout layout = FakeInstance::one_pool(1);
  layout.pools[0].type = "listen_fds";
  layout.pools[0].policy = "none";
  layout.pools[0].tells = false;
  FakeInstance instance(layout);
  const ipc::HistoryBoard board = ipc::HistoryBoard::create().value();
  HistoryRecorder recorder(board);
  recorder.record(instance.snapshot(kStart), kStart, 5000);
  recorder.record(instance.snapshot(kStart + 1s), kStart + 1s, 5001);
  const auto samples = board.samples(ipc::HistoryStep::kFine);
  ASSERT_EQ(samples.size(), 1U);
  EXPECT_TRUE(std::isnan(samples[0].requests_per_second));
  EXPECT_TRUE(std::isnan(samples[0].errors_per_second));
  EXPECT_TRUE(std::isnan(samples[0].workers[0].requests_per_second));
}

}  // namespace
}  // namespace roundhouse::monitor
