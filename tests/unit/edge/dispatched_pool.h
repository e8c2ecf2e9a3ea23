// A dispatcher whose workers are queues, and their clock, for tests of the hand-off.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "edge/dispatcher.h"
#include "fake_port.h"

namespace roundhouse::edge {

using namespace std::chrono_literals;
using Ids = std::vector<std::uint64_t>;
using Sizes = std::vector<std::size_t>;

class DispatchedPool : public ::testing::Test {
 protected:
  DispatchedPool() { set_up({.workers = 2}); }

  void set_up(config::Pool pool, std::size_t listeners = 1) {
    pool_ = std::move(pool);
    ports_.clear();
    dispatcher_ = std::make_unique<Dispatcher>(pool_, listeners);
    for (std::size_t worker = 0; worker < pool_.workers; ++worker) {
      ports_.push_back(std::make_unique<FakePort>());
      dispatcher_->attach(worker, *ports_[worker]);
      dispatcher_->serve(worker, true);
    }
  }
  void replace(std::size_t worker) {
    ports_[worker] = std::make_unique<FakePort>();
    dispatcher_->attach(worker, *ports_[worker]);
    dispatcher_->serve(worker, true);
  }
  void offer(int count, std::uint32_t listener = 0) {
    for (int i = 0; i < count; ++i) {
      Connection connection;
      connection.info.id = ++last_id_;
      connection.info.listener = listener;
      dispatcher_->offer(std::move(connection), now_);
    }
    dispatcher_->flush(now_);
  }
  void pass(Duration time) { now_ += time; }
  // `stall` passes, with a look at each quarter of it.
  void pass_stall() {
    for (int i = 0; i < 4; ++i) {
      pass(pool_.handoff.stall / 4);
      dispatcher_->observe(now_);
    }
  }
  void take_all() {
    for (const auto& port : ports_) port->take_all();
  }
  std::vector<std::size_t> lying() const {
    std::vector<std::size_t> counts;
    for (const auto& port : ports_) counts.push_back(port->lying());
    return counts;
  }
  Ids served() const {
    Ids all;
    for (const auto& port : ports_) all.insert(all.end(), port->served.begin(), port->served.end());
    std::ranges::sort(all);
    return all;
  }
  void expect_counts_agree(std::size_t worker) {
    const HandoffCounts& counts = dispatcher_->counts(worker);
    EXPECT_EQ(counts.given, counts.taken + counts.taken_back + dispatcher_->untaken(worker));
  }
  FakePort& port(std::size_t worker) { return *ports_[worker]; }

  config::Pool pool_;
  Time now_{1000s};
  std::uint64_t last_id_ = 0;
  std::vector<std::unique_ptr<FakePort>> ports_;
  std::unique_ptr<Dispatcher> dispatcher_;
};

}  // namespace roundhouse::edge
