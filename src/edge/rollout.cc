#include "edge/rollout.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace roundhouse::edge {

using Kind = Rollout::Step::Kind;

Rollout::Rollout(Plan plan) : plan_(std::move(plan)), stages_(plan_.starts.size()) {}

Rollout::Stage* Rollout::stage_of(std::uint32_t id) {
  const auto found = std::ranges::find(plan_.starts, id);
  return found == plan_.starts.end()
             ? nullptr
             : &stages_[static_cast<std::size_t>(found - plan_.starts.begin())];
}

void Rollout::start(std::size_t index, Steps& steps) {
  stages_[index] = Stage::kStarting;
  steps.push_back({Kind::kStart, plan_.starts[index]});
}

void Rollout::serve(std::size_t index, Steps& steps) {
  stages_[index] = plan_.together || !plan_.waits ? Stage::kDone : Stage::kServing;
  steps.push_back({Kind::kServe, plan_.starts[index]});
  steps.push_back({Kind::kRetire, plan_.starts[index]});
}

Rollout::Steps Rollout::begin() {
  Steps steps;
  const std::size_t first =
      plan_.together ? stages_.size() : std::min<std::size_t>(1, stages_.size());
  for (std::size_t index = 0; index < first; ++index) start(index, steps);
  if (steps.empty()) state_ = State::kReady;
  return steps;
}

Rollout::Steps Rollout::ready(std::uint32_t id) {
  Steps steps;
  Stage* const stage = stage_of(id);
  if (!running() || stage == nullptr || *stage != Stage::kStarting) return steps;
  *stage = Stage::kReady;
  if (state_ == State::kGoing) {
    serve(static_cast<std::size_t>(stage - stages_.data()), steps);
    go_on(steps);
  } else if (std::ranges::find(stages_, Stage::kStarting) == stages_.end()) {
    state_ = State::kReady;
  }
  return steps;
}

Rollout::Steps Rollout::lost(std::uint32_t id) {
  const Stage* const stage = stage_of(id);
  const bool counts = stage != nullptr && (*stage == Stage::kStarting || *stage == Stage::kReady);
  if (!running() || !counts) return {};
  lost_ = id;
  return abort();
}

Rollout::Steps Rollout::gone(std::uint32_t id) {
  Steps steps;
  Stage* const stage = stage_of(id);
  if (stage == nullptr || *stage != Stage::kServing) return steps;
  *stage = Stage::kDone;
  if (state_ == State::kGoing) go_on(steps);
  return steps;
}

Rollout::Steps Rollout::commit() {
  CHECK(state_ == State::kReady);
  Steps steps;
  state_ = State::kGoing;
  for (std::size_t index = 0; index < stages_.size(); ++index)
    if (stages_[index] == Stage::kReady) serve(index, steps);
  for (const std::uint32_t id : plan_.leaves) steps.push_back({Kind::kRetire, id});
  go_on(steps);
  return steps;
}

Rollout::Steps Rollout::abort() {
  Steps steps;
  if (!running()) return steps;
  state_ = State::kFailed;
  for (std::size_t index = 0; index < stages_.size(); ++index) {
    if (stages_[index] == Stage::kStarting || stages_[index] == Stage::kReady)
      steps.push_back({Kind::kDrop, plan_.starts[index]});
  }
  return steps;
}

void Rollout::go_on(Steps& steps) {
  auto busy = static_cast<std::uint32_t>(std::ranges::count_if(
      stages_, [](Stage stage) { return stage == Stage::kStarting || stage == Stage::kServing; }));
  for (std::size_t index = 0; index < stages_.size() && busy < plan_.surge; ++index) {
    if (stages_[index] != Stage::kWaiting) continue;
    start(index, steps);
    ++busy;
  }
  if (busy == 0) state_ = State::kDone;
}

std::uint32_t Rollout::replaced() const {
  return static_cast<std::uint32_t>(std::ranges::count_if(
      stages_, [](Stage stage) { return stage == Stage::kServing || stage == Stage::kDone; }));
}

}  // namespace roundhouse::edge
