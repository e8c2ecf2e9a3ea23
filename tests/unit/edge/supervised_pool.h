// A supervisor with its clock, and workers whose heartbeats a test sets, for tests of supervision.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <vector>

#include "edge/supervisor.h"

namespace roundhouse::edge {

using namespace std::chrono_literals;

class SupervisedPool : public ::testing::Test {
 protected:
  using Kind = Action::Kind;
  static constexpr Duration kTick = 100ms;

  SupervisedPool() { set_up({.workers = 2}); }

  // A pool that has been started and carries out its own starts; nobody is ready yet.
  void set_up(config::Pool pool, std::uint64_t seed = 1) {
    pool_ = std::move(pool);
    supervisor_ = std::make_unique<Supervisor>(pool_, seed, now_);
    seen_.assign(pool_.workers, Observation{.heartbeat = Time()});
    silent_.assign(pool_.workers, false);
    all_.clear();
    told(supervisor_->start(now_));
  }
  void set_up_ready(config::Pool pool, std::uint64_t seed = 1) {
    set_up(std::move(pool), seed);
    for (std::size_t place = 0; place < pool_.workers; ++place) ready(place);
  }

  void ready(std::size_t place) { told(supervisor_->ready(place, now_)); }
  Obituary exit(std::size_t place, ExitStatus status) {
    Actions actions;
    const Obituary obituary = supervisor_->exited(place, status, now_, actions);
    told(actions);
    return obituary;
  }
  Obituary crash(std::size_t place) { return exit(place, {.signal = SIGSEGV}); }
  // Becomes ready and crashes at once, until the burst is used up.
  void use_up_the_burst(std::size_t place) {
    for (std::uint32_t i = 0; i < pool_.restart.burst; ++i) {
      crash(place);
      ready(place);
    }
  }
  void tick_once() {
    for (std::size_t place = 0; place < seen_.size(); ++place) {
      if (!silent_[place]) seen_[place].heartbeat = now_;
    }
    told(supervisor_->tick(now_, seen_));
  }
  // Ticks every 100 ms, everybody's heart beating but those in silent_.
  void pass(Duration time) {
    for (const Time end = now_ + time; now_ < end;) {
      now_ += std::min(kTick, end - now_);
      tick_once();
    }
  }
  // No tick at all: the edge is stopped.
  void pause(Duration time) { now_ += time; }

  void told(const Actions& actions) {
    for (const Action& action : actions) {
      all_.push_back(action);
      if (action.kind != Kind::kStart) continue;
      if (spawns_) {
        supervisor_->spawned(action.place, now_);
      } else {
        told(supervisor_->spawn_failed(action.place, now_));
      }
    }
  }
  std::ptrdiff_t count(Kind kind, int signal = 0) const {
    return std::ranges::count_if(
        all_, [&](const Action& a) { return a.kind == kind && a.signal == signal; });
  }
  std::ptrdiff_t signals(int signal) const { return count(Kind::kSignal, signal); }
  WorkerState state(std::size_t place) const { return supervisor_->state(place); }
  void forget() { all_.clear(); }

  config::Pool pool_;
  Time now_{1000s};
  std::unique_ptr<Supervisor> supervisor_;
  std::vector<Observation> seen_;
  std::vector<bool> silent_;  // its heart does not beat
  bool spawns_ = true;        // fork and exec succeed
  Actions all_;
};

}  // namespace roundhouse::edge
