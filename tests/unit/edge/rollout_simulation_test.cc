// Rollouts under chance: workers become ready, end and drain in any order; operators commit or take
// back; whatever happens, capacity and memory stay within their bounds and it comes to an end.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "edge/rollout.h"
#include "simulation/random.h"

namespace roundhouse::edge {
namespace {

using Kind = Rollout::Step::Kind;
using State = Rollout::State;
using simulation::Random;

// The workers of a pool, as they carry out what the rollout says.
class World {
 public:
  World(std::uint64_t seed, Rollout::Plan plan, std::uint32_t workers)
      : random_(seed), rollout_(std::move(plan)), workers_(workers) {
    for (std::uint32_t id = 1; id <= workers; ++id) ids_[id].old = Old::kServing;
    for (const std::uint32_t id : rollout_.plan().starts) ids_[id];
    carry_out(rollout_.begin());
  }

  // One thing happens. False: nothing more can.
  bool step() {
    std::vector<std::function<void()>> choices;
    if (rollout_.state() == State::kReady) {
      choices.emplace_back([this] { carry_out(rollout_.commit()); });
      choices.emplace_back([this] {
        if (random_.chance(0.1)) carry_out(rollout_.abort());
      });
    }
    for (auto& [id, worker] : ids_) {
      const std::uint32_t which = id;
      if (worker.fresh == Fresh::kStarting) choices.emplace_back([this, which] { decide(which); });
      if (worker.old == Old::kDraining) choices.emplace_back([this, which] { drained(which); });
    }
    if (choices.empty()) return false;
    choices[random_.below(choices.size())]();
    check();
    return true;
  }

  const Rollout& rollout() const { return rollout_; }
  std::uint32_t serving() const {
    return static_cast<std::uint32_t>(std::ranges::count_if(ids_, [](const auto& one) {
      return one.second.old == Old::kServing || one.second.fresh == Fresh::kServing;
    }));
  }

 private:
  enum class Old { kNone, kServing, kDraining };
  enum class Fresh { kNone, kStarting, kReady, kServing };
  struct Worker {
    Old old = Old::kNone;
    Fresh fresh = Fresh::kNone;
  };

  void decide(std::uint32_t id) {
    Worker& worker = ids_[id];
    if (random_.chance(kFails)) {
      worker.fresh = Fresh::kNone;
      carry_out(rollout_.lost(id));
    } else {
      worker.fresh = Fresh::kReady;
      carry_out(rollout_.ready(id));
    }
  }
  void drained(std::uint32_t id) {
    ids_[id].old = Old::kNone;
    carry_out(rollout_.gone(id));
  }
  void carry_out(const Rollout::Steps& steps) {
    for (const auto& [kind, id] : steps) {
      Worker& worker = ids_[id];
      switch (kind) {
        case Kind::kStart:
          EXPECT_FALSE(failed_) << "nothing is begun after a failure";
          EXPECT_EQ(worker.fresh, Fresh::kNone) << id;
          worker.fresh = Fresh::kStarting;
          break;
        case Kind::kServe:
          EXPECT_EQ(worker.fresh, Fresh::kReady) << "of " << id << ", which is not ready";
          worker.fresh = Fresh::kServing;
          break;
        case Kind::kRetire:
          retire(id, worker);
          break;
        case Kind::kDrop:
          EXPECT_NE(worker.fresh, Fresh::kServing) << "who serves stays";
          worker.fresh = Fresh::kNone;
          break;
      }
    }
    failed_ = failed_ || rollout_.state() == State::kFailed;
  }
  void retire(std::uint32_t id, Worker& worker) {
    const auto& leaves = rollout_.plan().leaves;
    const bool leaves_for_good = std::ranges::find(leaves, id) != leaves.end();
    EXPECT_TRUE(leaves_for_good || worker.fresh == Fresh::kServing) << "nobody in place of " << id;
    if (worker.old == Old::kServing)
      worker.old = Old::kDraining;
    else
      carry_out(rollout_.gone(id));
  }
  void check() {
    const Rollout::Plan& plan = rollout_.plan();
    const auto least = workers_ - static_cast<std::uint32_t>(plan.leaves.size());
    EXPECT_GE(serving(), least) << "below capacity";
    std::uint32_t processes = 0;
    for (const auto& [id, worker] : ids_)
      processes += (worker.old != Old::kNone ? 1 : 0) + (worker.fresh != Fresh::kNone ? 1 : 0);
    if (plan.together || !plan.waits) return;
    EXPECT_LE(processes, std::max<std::size_t>(workers_, plan.starts.size()) + plan.surge);
  }

  static constexpr double kFails = 0.05;
  Random random_;
  Rollout rollout_;
  const std::uint32_t workers_;
  std::map<std::uint32_t, Worker> ids_;
  bool failed_ = false;
};

std::vector<std::uint32_t> ids(std::uint32_t first, std::uint32_t last) {
  std::vector<std::uint32_t> all;
  for (std::uint32_t id = first; id <= last; ++id) all.push_back(id);
  return all;
}

// A reload, a restart, of all or one, or a change of the number.
Rollout::Plan some_plan(Random& random, std::uint32_t workers) {
  Rollout::Plan plan{.reason = ipc::ExitReason::kReload,
                     .together = random.chance(0.3),
                     .waits = random.chance(0.7),
                     .surge = static_cast<std::uint32_t>(random.between(1, 3))};
  switch (random.below(4)) {
    case 0:  // one of them
      plan.starts = {static_cast<std::uint32_t>(random.between(1, workers))};
      break;
    case 1: {  // more
      plan.starts = ids(workers + 1, workers + static_cast<std::uint32_t>(random.between(1, 4)));
      plan.together = true;
      break;
    }
    case 2: {  // fewer, the rest replaced
      const auto left = static_cast<std::uint32_t>(random.between(1, workers));
      plan.starts = ids(1, left);
      plan.leaves = ids(left + 1, workers);
      break;
    }
    default:
      plan.starts = ids(1, workers);
  }
  return plan;
}

TEST(RolloutSimulation, WhateverHappensCapacityHoldsAndItEnds) {
  int done = 0;
  int failed = 0;
  for (std::uint64_t seed = 1; seed <= 3000 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const auto workers = static_cast<std::uint32_t>(random.between(1, 8));
    World world(seed, some_plan(random, workers), workers);
    int steps = 0;
    while (world.step()) ASSERT_LT(++steps, 10'000);
    ASSERT_FALSE(world.rollout().running()) << "nothing can happen, and it is not over";
    const bool all = world.rollout().state() == State::kDone;
    ++(all ? done : failed);
    if (!all) continue;
    EXPECT_EQ(world.rollout().replaced(), world.rollout().plan().starts.size());
  }
  EXPECT_GT(done, 1000);
  EXPECT_GT(failed, 100);
}

}  // namespace
}  // namespace roundhouse::edge
