// How a pool carries out a rollout: who gets which place, and when.
#include <algorithm>
#include <csignal>
#include <utility>

#include "base/log.h"
#include "config/worker_text.h"
#include "edge/pool.h"

namespace roundhouse::edge {

void Pool::begin_rollout(Generation next, Rollout::Plan plan) {
  next_ = std::move(next);
  loss_.clear();
  rollout_.emplace(std::move(plan));
  carry_out(rollout_->begin());
  if (rollout_->state() != Rollout::State::kTrying) signals_.rollout_moved();
}

void Pool::adopt(Generation next) {
  current_ = std::move(next);
  supervisor_.adopt(current_->options);
  dispatcher_.adopt(options());
  const bool is_sticky = options().policy == config::Policy::kSticky && options().workers > 1;
  if (is_sticky && !peers_) peers_.emplace();
  if (!is_sticky) peers_.reset();
  const auto serving = [&](std::size_t place) { return dispatcher_.serving(place); };
  set_up_turns();
  if (turns_) {
    for (const std::size_t place : used_)
      if (serving(place)) turns_->serve(id(place) - 1, true);
  }
}

void Pool::commit_rollout() {
  adopt(std::exchange(next_, nullptr));
  carry_out(rollout_->commit());
  dispatcher_.observe(loop_.now());
  signals_.turns();
  signals_.room();
  if (!rollout_->running()) signals_.rollout_moved();
}

void Pool::abort_rollout() {
  if (!rollout_ || !rollout_->running()) return;
  carry_out(rollout_->abort());
  waiting_for_place_.clear();
  signals_.rollout_moved();
}

void Pool::carry_out(const Rollout::Steps& steps) {
  for (const Rollout::Step& step : steps) {
    switch (step.kind) {
      case Rollout::Step::Kind::kStart:
        try_worker(step.id);
        break;
      case Rollout::Step::Kind::kServe:
        let_serve(step.id);
        break;
      case Rollout::Step::Kind::kRetire:
        retire_old(step.id);
        break;
      case Rollout::Step::Kind::kDrop:
        drop(step.id);
        break;
    }
  }
}

std::optional<std::size_t> Pool::free_place_of(std::uint32_t id) const {
  const config::PoolRows& rows = options().rows;
  for (std::size_t place = id - 1; place < rows.count(); place += rows.ids) {
    const bool is_workers = place == worker_places_[id - 1];
    const bool on_trial = std::ranges::find(trials_, place) != trials_.end();
    if (on_trial || is_occupied(place)) continue;
    // That of the worker too, if nothing runs there or will.
    if (!is_workers || supervisor_.state(place) == WorkerState::kGone) return place;
  }
  return std::nullopt;
}

void Pool::try_worker(std::uint32_t id) {
  const auto place = free_place_of(id);
  if (!place) {
    make_room_for(id);
    waiting_for_place_.insert(id);
    return;
  }
  trials_.push_back(*place);
  places_[*place].on_trial = true;
  const bool is_more = !is_occupied(place_of(id));
  places_[*place].replaced_reason.reset();
  if (!is_more) places_[*place].replaced_reason = rollout_->plan().reason;
  carry_out(supervisor_.try_place(*place, of_trials()->options, loop_.now()));
}

// Of the processes that drain there the one of the oldest generation is cut, those without
// connections first; of programs, which do not hold tunnels for long, none: one ends soon.
void Pool::make_room_for(std::uint32_t id) {
  const config::PoolRows& rows = options().rows;
  if (config::is_program(options().type)) return;
  std::optional<std::size_t> victim;
  const auto rank = [&](std::size_t place) {
    const Place& here = places_[place];
    return std::pair(here.handle->connections_active() != 0, here.generation->number);
  };
  for (std::size_t place = id - 1; place < rows.count(); place += rows.ids) {
    const bool drains = supervisor_.state(place) == WorkerState::kDraining;
    if (drains && (!victim || rank(place) < rank(*victim))) victim = place;
  }
  if (!victim) return;
  const WorkerHandle& handle = *places_[*victim].handle;
  log::warn("generation_cut",
            name_of(*victim) + " (pid " + std::to_string(handle.pid()) + ", generation " +
                std::to_string(places_[*victim].generation->number) + ") is cut with " +
                std::to_string(handle.connections_active()) +
                " connections: there are as many old generations as there may be",
            {{"pool", options().name}, {"worker", id}, {"pid", handle.pid()}});
  handle.signal(SIGKILL);
}

void Pool::start_waiting() {
  for (const std::uint32_t id : std::exchange(waiting_for_place_, {})) try_worker(id);
}

void Pool::let_serve(std::uint32_t id) {
  const auto on_trial =
      std::ranges::find_if(trials_, [&](std::size_t place) { return this->id(place) == id; });
  if (on_trial == trials_.end()) return;
  const std::size_t place = *on_trial;
  trials_.erase(on_trial);
  places_[place].on_trial = false;
  supervisor_.keep(place);
  // The step that follows retires the one that is the worker's until then.
  std::swap(place_of(id), retiring_.emplace_back(place));
  if (supervisor_.state(place) == WorkerState::kReady) set_serving(place, true);
  publish(place);
}

void Pool::retire_old(std::uint32_t id) {
  std::size_t old = place_of(id);
  const auto replaced =
      std::ranges::find_if(retiring_, [&](std::size_t place) { return this->id(place) == id; });
  if (replaced != retiring_.end()) {
    old = *replaced;
    retiring_.erase(replaced);
  }
  const bool is_replaced = old != place_of(id);
  const bool leaves =
      std::ranges::find(rollout_->plan().leaves, id) != rollout_->plan().leaves.end();
  if ((is_replaced || leaves) && places_[old].handle != nullptr) {
    carry_out(supervisor_.retire(old, loop_.now(),
                                 loop_.now() + drain_time(*places_[old].generation->options),
                                 rollout_->plan().reason));
    publish(old);
  }
  if (!is_occupied(old) || !is_replaced) carry_out(rollout_->gone(id));
}

void Pool::drop(std::uint32_t id) {
  waiting_for_place_.erase(id);
  const auto on_trial =
      std::ranges::find_if(trials_, [&](std::size_t place) { return this->id(place) == id; });
  if (on_trial == trials_.end()) return;
  const std::size_t place = *on_trial;
  trials_.erase(on_trial);
  carry_out(supervisor_.give_up(place, loop_.now(), loop_.now() + options().timeouts.drain,
                                rollout_->plan().reason));
}

// Of a process that has ended or did not begin.
void Pool::tell_rollout_of_end(std::size_t place, const std::string& why) {
  if (!rollout_) return;
  const std::uint32_t worker = id(place);
  const Rollout::State before = rollout_->state();
  if (const auto on_trial = std::ranges::find(trials_, place); on_trial != trials_.end()) {
    trials_.erase(on_trial);
    places_[place].on_trial = false;
    loss_ = name_of(place) + ": " + why;
    carry_out(rollout_->lost(worker));
  } else {
    places_[place].on_trial = false;
    if (place != place_of(worker)) carry_out(rollout_->gone(worker));
    start_waiting();
  }
  if (rollout_->state() != before) signals_.rollout_moved();
}

}  // namespace roundhouse::edge
