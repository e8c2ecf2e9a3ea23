#include "monitor/event_watch.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstring>
#include <optional>

#include "support/fake_instance.h"

namespace roundhouse::monitor {
namespace {

using namespace std::chrono_literals;
using test::FakeInstance;

constexpr Time kNow{1000s};

class EventWatchTest : public testing::Test {
 protected:
  EventWatchTest() {
    instance_.make_ready(0, 101);
    instance_.make_ready(1, 102);
    look();
    told_ = board_.last_event();
  }

  // Every look is a second later.
  void look() {
    watch_->look(instance_.snapshot(kNow), operations_, wall_);
    wall_ += 1;
  }
  // The monitor is started anew.
  void restart() { watch_.emplace(board_); }
  // What was told since the last call: "kind subject text".
  std::vector<std::string> news() {
    std::vector<std::string> all;
    for (const ipc::Event& event : board_.events(told_))
      all.push_back(std::string(to_string(event.kind)) + " " + event.subject +
                    (event.text.empty() ? "" : " " + event.text));
    told_ = board_.last_event();
    return all;
  }
  void crash(std::size_t index, std::int32_t pid) {
    ipc::ExitRecord record{};
    record.at = wall_ - 0.5;
    record.reason = ipc::ExitReason::kCrash;
    record.pid = pid;
    record.signal = SIGSEGV;
    record.was_ready = 1;
    record.lived_ns = 12'400'000'000;
    record.requests_in_flight = 1;
    record.in_flight_texts = 1;
    std::strcpy(record.in_flight[0], "GET /die\x1b");
    instance_.record_exit(index, record);
  }

  FakeInstance instance_{FakeInstance::one_pool(2)};
  ipc::HistoryBoard board_ = ipc::HistoryBoard::create().value();
  std::optional<EventWatch> watch_{std::in_place, board_};
  std::vector<ipc::Operation> operations_;
  double wall_ = 1002;
  std::uint64_t told_ = 0;
};

using Texts = std::vector<std::string>;

TEST_F(EventWatchTest, TheFirstLookTellsOfTheStart) {
  told_ = 0;
  EXPECT_EQ(news(),
            (Texts{"instance_started edge roundhouse " ROUNDHOUSE_VERSION,
                   "worker_started hello/1 generation 1", "worker_started hello/2 generation 1",
                   "worker_ready hello/1", "worker_ready hello/2"}));
  look();
  EXPECT_EQ(news(), Texts{});
}

TEST_F(EventWatchTest, ACrashIsToldWithItsReasonAndThenTheNewStart) {
  crash(0, 101);
  instance_.make_ready(0, 103);
  instance_.worker(0).started_at = wall_ - 0.4;
  look();
  EXPECT_EQ(board_.events(told_)[0].detail, "GET /die\\x1b");
  EXPECT_EQ(board_.events(told_)[0].level, ipc::EventLevel::kError);
  EXPECT_EQ(news(), (Texts{"worker_exited hello/1 crash: SIGSEGV after 12.4 s, 1 request in flight",
                           "worker_started hello/1 generation 1", "worker_ready hello/1"}));
}

TEST_F(EventWatchTest, TheNextMonitorTellsNothingTwiceAndMissesNothing) {
  crash(0, 101);
  look();
  news();
  crash(1, 102);  // while there is none
  restart();
  look();
  EXPECT_EQ(news(), (Texts{"worker_exited hello/2 crash: SIGSEGV after 12.4 s, 1 request in flight",
                           "monitor_started monitor configuration 1"}));
}

TEST_F(EventWatchTest, WhatIsLongPastIsNotToldAnewWhenItIsNoLongerKept) {
  for (std::size_t i = 0; i < ipc::kKeptEvents; ++i) board_.add_event({.at = 1, .subject = "x"});
  wall_ += 100;
  look();
  told_ = board_.last_event();
  restart();
  look();
  for (const std::string& text : news()) EXPECT_TRUE(text.starts_with("monitor_started")) << text;
}

TEST_F(EventWatchTest, OperationsAreToldWhenTheyEnd) {
  operations_ = {{.ticket = 7, .kind = ipc::OperationKind::kReload, .began_at = wall_}};
  look();
  EXPECT_EQ(news(), Texts{});
  operations_[0].state = ipc::OperationState::kRefused;
  operations_[0].ended_at = wall_;
  operations_[0].text = "roundhouse.yaml:3:1: secret";
  look();
  EXPECT_EQ(board_.events(told_)[0].detail, "roundhouse.yaml:3:1: secret");
  EXPECT_EQ(news(), Texts{"operation_ended reload refused"});
  restart();
  look();
  EXPECT_EQ(news(), Texts{"monitor_started monitor configuration 1"});
}

TEST_F(EventWatchTest, PausesOfAListenerAreTold) {
  instance_.listener(0).paused = 1 + static_cast<std::uint32_t>(ipc::PauseReason::kMaxConnections);
  look();
  restart();
  look();
  instance_.listener(0).paused = 0;
  look();
  EXPECT_EQ(news(), (Texts{"listener_paused web max_connections",
                           "monitor_started monitor configuration 1", "listener_resumed web"}));
}

TEST_F(EventWatchTest, AQuarantineIsTold) {
  instance_.worker(1).state = ipc::WorkerState::kQuarantined;
  look();
  look();
  EXPECT_EQ(news(),
            Texts{"worker_quarantined hello/2 it never became ready several times in a row"});
}

TEST_F(EventWatchTest, TheStopIsTold) {
  instance_.header().stopping = 1;
  look();
  look();
  EXPECT_EQ(news(), Texts{"instance_stopping edge"});
}

TEST(EventWatch, HealthAndEjectionsOfEndpointsAreTold) {
  const ipc::HistoryBoard board = ipc::HistoryBoard::create().value();
  metrics::EndpointValues endpoint{.upstream = "site", .name = "10.0.0.1:80", .healthy = true};
  metrics::Snapshot snapshot;
  std::optional<EventWatch> watch(std::in_place, board);
  double wall = 1000;
  const auto look = [&] {
    snapshot.endpoints = {endpoint};
    watch->look(snapshot, {}, ++wall);
  };
  look();
  const std::uint64_t before = board.last_event();
  endpoint.healthy = false;
  look();
  watch.emplace(board);
  endpoint.healthy = true;  // while there was no monitor
  endpoint.ejections = 2;
  look();
  endpoint.ejections = 3;
  endpoint.ejected_by = 1;
  look();
  Texts told;
  for (const ipc::Event& event : board.events(before))
    told.push_back(std::string(to_string(event.kind)) + " " + event.subject);
  EXPECT_EQ(told,
            (Texts{"endpoint_unhealthy site/10.0.0.1:80", "monitor_started monitor",
                   "endpoint_healthy site/10.0.0.1:80", "endpoint_ejected site/10.0.0.1:80"}));
}

}  // namespace
}  // namespace roundhouse::monitor
