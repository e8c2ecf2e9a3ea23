#include "edge/supervisor.h"

#include <algorithm>
#include <csignal>
#include <utility>

namespace roundhouse::edge {
namespace {

using Kind = Action::Kind;
constexpr double kRecycleJitter = 0.1;
constexpr int kSignalled = 128;  // and the signal's number: an exit code, as a shell gives it

// `amount` +-10 %, at least 1; 0 stays 0 (off).
template <typename T>
T jittered(T amount, double random) {
  if (amount == T{}) return amount;
  const double factor = 1 - kRecycleJitter + 2 * kRecycleJitter * random;
  return std::max(T(1), static_cast<T>(static_cast<double>(amount) * factor));
}

}  // namespace

Supervisor::Supervisor(PoolOptions pool, std::uint64_t seed, Time now)
    : pool_(std::move(pool)),
      places_(std::max(pool_->rows.count(), pool_->workers), Place(pool_, now)),
      random_(seed) {
  for (Place& place : places_) {
    place.state = WorkerState::kGone;
    place.retired = true;
  }
}

Actions Supervisor::start(Time now) {
  Actions actions;
  last_tick_ = now;
  starts_together_ = true;
  for (std::size_t place = 0; place < pool_->workers; ++place) {
    places_[place].retired = false;
    start_place(place, now, actions);
  }
  return actions;
}

void Supervisor::start_place(std::size_t index, Time now, Actions& actions) {
  Place& place = places_[index];
  place.pool = pool_;
  place.state = WorkerState::kStarting;
  place.ending.reset();
  place.kill_at.reset();
  place.was_ready = place.resting = false;
  place.started = now;
  place.deadline = now + place.pool->timeouts.ready;
  place.recycle_requests = jittered<std::uint64_t>(place.pool->recycle.requests, random());
  place.recycle_memory = jittered(place.pool->recycle.memory, random());
  place.recycle_lifetime = Duration(jittered(place.pool->recycle.lifetime.count(), random()));
  actions.push_back({.kind = Kind::kStart, .place = index});
}

void Supervisor::spawned(std::size_t index, Time now) {
  note_time(now);
  places_[index].running = true;
  places_[index].heartbeat_after = now;
}

Actions Supervisor::spawn_failed(std::size_t index, Time now) {
  Actions actions;
  note_time(now);
  Place& place = places_[index];
  place.has_ended = true;
  if (starts_no_more(place)) {
    place.state = WorkerState::kGone;
  } else if (failed_at_first_start()) {
    failure_told_ = true;
    place.state = WorkerState::kFailed;
    actions.push_back({.kind = Kind::kPoolFailed});
  } else {
    const bool last = !other_place_ready(index);
    rest_place(index, place.respawn.after_failed_spawn(now, last, random()), now, actions);
  }
  return actions;
}

Actions Supervisor::ready(std::size_t index, Time now) {
  note_time(now);
  Place& place = places_[index];
  if (place.state != WorkerState::kStarting || place.ending) return {};
  place.state = WorkerState::kReady;
  place.was_ready = ever_ready_ = true;
  place.respawn.became_ready();
  place.ready_since = place.heartbeat_after = now;
  return {{.kind = Kind::kServe, .place = index}};
}

Actions Supervisor::draining(std::size_t index, Time now) {
  Actions actions;
  note_time(now);
  const WorkerState state = places_[index].state;
  if (state != WorkerState::kReady && state != WorkerState::kStarting) return actions;
  drain_place(index, std::nullopt, now + places_[index].pool->timeouts.drain, actions);
  return actions;
}

Actions Supervisor::breach(std::size_t index, Time now) {
  Actions actions;
  note_time(now);
  if (places_[index].running) begin_ending(index, ExitReason::kProtocol, SIGKILL, now, actions);
  return actions;
}

// Not for what failed when the machine, or the worker itself, had not run.
Actions Supervisor::hangs(std::size_t index, Time since, bool stopped, Time now) {
  Actions actions;
  note_time(now);
  const Place& place = places_[index];
  if (place.state != WorkerState::kReady || place.ending || since < place.heartbeat_after)
    return actions;
  begin_ending(index, ExitReason::kHang, stopped ? SIGKILL : SIGABRT,
               now + places_[index].pool->liveness.kill, actions);
  return actions;
}

// The first fault stays the reason; a fault replaces what a drain was for.
void Supervisor::begin_ending(std::size_t index, ExitReason reason, int signal, Time kill_at,
                              Actions& actions) {
  Place& place = places_[index];
  if (place.ending != ExitReason::kHang && place.ending != ExitReason::kBootTimeout)
    place.ending = reason;
  if (signal != SIGKILL) place.kill_at = kill_at;
  actions.push_back({.kind = Kind::kRest, .place = index});
  actions.push_back({.kind = Kind::kSignal, .place = index, .signal = signal});
}

void Supervisor::drain_place(std::size_t index, std::optional<ExitReason> reason, Time deadline,
                             Actions& actions) {
  Place& place = places_[index];
  place.state = WorkerState::kDraining;
  place.deadline = deadline;
  if (reason) place.ending = reason;
  actions.push_back({.kind = Kind::kDrain, .place = index, .deadline = deadline});
}

// It has begun nothing.
void Supervisor::end_before_ready(std::size_t index, ExitReason reason, Time deadline,
                                  Actions& actions) {
  Place& place = places_[index];
  if (!place.ending) place.ending = reason;
  place.state = WorkerState::kDraining;
  place.deadline = deadline;
  actions.push_back({.kind = Kind::kSignal, .place = index, .signal = stop_signal(place)});
}

ExitReason Supervisor::reason_of(const Place& place, const ExitStatus& status) const {
  if (status.out_of_memory) return ExitReason::kOom;
  const bool clean = status.signal == 0 && (status.code == 0 || status.announced);
  // A drain that ends in a crash is a crash; one that a signal of ours cut keeps its reason.
  const bool aborted =
      place.ending == ExitReason::kHang || place.ending == ExitReason::kBootTimeout;
  const bool deliberate = place.ending.has_value() || place.kill_at.has_value();
  // A program that knows nothing of us often says by its exit code which signal ended it.
  const bool by_request = status.signal == stop_signal(place) || status.signal == SIGTERM ||
                          status.code == kSignalled + stop_signal(place);
  const bool cut = deliberate &&
                   (status.signal == SIGKILL || by_request ||
                    (aborted && (status.signal == SIGABRT || status.code == kSignalled + SIGABRT)));
  return clean || cut ? place.ending.value_or(ExitReason::kExited) : ExitReason::kCrash;
}

Obituary Supervisor::exited(std::size_t index, const ExitStatus& status, Time now,
                            Actions& actions) {
  note_time(now);
  Place& place = places_[index];
  Obituary obituary{.reason = reason_of(place, status),
                    .was_ready = place.was_ready,
                    .lived = now - place.started,
                    .ready_for = place.was_ready ? now - place.ready_since : Duration::zero(),
                    .next = WorkerState::kGone,
                    .next_start_in = Duration::zero()};
  place.running = false;
  place.has_ended = true;
  place.kill_at.reset();
  const bool recycled = obituary.reason == ExitReason::kRecycleRequests ||
                        obituary.reason == ExitReason::kRecycleMemory ||
                        obituary.reason == ExitReason::kRecycleLifetime;
  if (starts_no_more(place)) {
    place.state = WorkerState::kGone;
  } else if (failed_at_first_start()) {
    failure_told_ = true;
    place.state = WorkerState::kFailed;
    actions.push_back({.kind = Kind::kPoolFailed});
  } else if (status.signal == 0 && status.code == kPermanentFailure) {
    place.state = WorkerState::kFailed;
  } else if (recycled) {
    start_place(index, now, actions);
  } else {
    const Respawn respawn =
        place.respawn.after_exit(now, place.was_ready, !other_place_ready(index), random());
    obituary.next_start_in = respawn.delay;
    rest_place(index, respawn, now, actions);
  }
  obituary.next = place.state;
  return obituary;
}

void Supervisor::rest_place(std::size_t index, const Respawn& respawn, Time now, Actions& actions) {
  Place& place = places_[index];
  place.next_start = now + respawn.delay;
  place.state = respawn.quarantined ? WorkerState::kQuarantined : WorkerState::kBackoff;
  if (respawn.delay == Duration::zero()) start_place(index, now, actions);
}

Actions Supervisor::tick(Time now, std::span<const Observation> observations) {
  Actions actions;
  note_time(now);
  last_tick_ = now;
  for (std::size_t index = 0; index < places_.size(); ++index) {
    Place& place = places_[index];
    if (place.running) {
      check_deadlines(index, now, actions);
      check_heartbeat(index, now, observations[index], actions);
      check_answers(index, now, observations[index], actions);
      check_recycling(index, now, observations[index], actions);
    } else if ((place.state == WorkerState::kBackoff || place.state == WorkerState::kQuarantined) &&
               !starts_no_more(place) && now >= place.next_start) {
      start_place(index, now, actions);
    }
  }
  return actions;
}

// Every event, not ticks alone: a deadline set in the first turn after a pause needs no forgiving.
void Supervisor::note_time(Time now) {
  if (!last_tick_ || now - *last_tick_ <= kTickLate) return;
  forgive(now - *last_tick_);
  last_tick_ = now;
}

// The edge did not run (container paused, machine suspended, CPU throttled): nobody is judged for
// that time.
void Supervisor::forgive(Duration lost) {
  for (Place& place : places_) {
    place.deadline += lost;
    place.heartbeat_after = *last_tick_ + lost;
    if (place.kill_at) *place.kill_at += lost;
  }
}

void Supervisor::check_deadlines(std::size_t index, Time now, Actions& actions) {
  Place& place = places_[index];
  if (place.kill_at && now >= *place.kill_at) {
    place.kill_at = now + places_[index].pool->liveness.kill;  // again, should it have been lost
    actions.push_back({.kind = Kind::kSignal, .place = index, .signal = SIGKILL});
  } else if (place.state == WorkerState::kStarting && !place.ending && now >= place.deadline) {
    begin_ending(index, ExitReason::kBootTimeout, SIGABRT, now + places_[index].pool->liveness.kill,
                 actions);
  } else if (place.state == WorkerState::kDraining && !place.kill_at && now >= place.deadline) {
    place.kill_at = now + places_[index].pool->liveness.kill;
    actions.push_back({.kind = Kind::kSignal, .place = index, .signal = SIGKILL});
  }
}

void Supervisor::check_heartbeat(std::size_t index, Time now, const Observation& seen,
                                 Actions& actions) {
  Place& place = places_[index];
  if (!seen.heartbeat) return;
  const Duration silent = now - std::max(*seen.heartbeat, place.heartbeat_after);
  if (place.state == WorkerState::kDraining && seen.stopped &&
      silent >= places_[index].pool->liveness.replace) {
    // It will not drain, and nothing it has begun can finish: no use to wait for its deadline.
    if (place.ending != ExitReason::kHang)
      begin_ending(index, ExitReason::kHang, SIGKILL, now + places_[index].pool->liveness.kill,
                   actions);
    return;
  }
  if (place.state != WorkerState::kReady || place.ending) return;
  if (silent >= places_[index].pool->liveness.replace) {
    const int signal =
        seen.stopped ? SIGKILL : SIGABRT;  // a stopped process acts on no other signal
    begin_ending(index, ExitReason::kHang, signal, now + places_[index].pool->liveness.kill,
                 actions);
  } else if (silent >= places_[index].pool->liveness.suspect && !place.resting) {
    place.resting = true;
    actions.push_back({.kind = Kind::kRest, .place = index});
  } else if (silent < places_[index].pool->liveness.suspect && place.resting) {
    place.resting = false;
    actions.push_back({.kind = Kind::kServe, .place = index});
  }
}

void Supervisor::check_answers(std::size_t index, Time now, const Observation& seen,
                               Actions& actions) {
  const Place& place = places_[index];
  if (!seen.unanswered_since || place.state != WorkerState::kReady || place.ending) return;
  if (now - std::max(*seen.unanswered_since, place.heartbeat_after) <
      places_[index].pool->liveness.unanswered)
    return;
  begin_ending(index, ExitReason::kHang, seen.stopped ? SIGKILL : SIGABRT,
               now + places_[index].pool->liveness.kill, actions);
}

// One worker at a time, and only while another serves (a pool of one has no other).
void Supervisor::check_recycling(std::size_t index, Time now, const Observation& seen,
                                 Actions& actions) {
  Place& place = places_[index];
  if (place.state != WorkerState::kReady || place.ending || stopping_) return;
  std::optional<ExitReason> reason;
  if (place.recycle_requests != 0 && seen.requests >= place.recycle_requests)
    reason = ExitReason::kRecycleRequests;
  if (place.recycle_memory != 0 && seen.memory >= place.recycle_memory)
    reason = ExitReason::kRecycleMemory;
  if (place.recycle_lifetime != Duration::zero() && now - place.started >= place.recycle_lifetime) {
    reason = ExitReason::kRecycleLifetime;
  }
  if (!reason) return;
  const bool one_is_out = std::ranges::any_of(places_, [&](const Place& other) {
    const bool serves = other.state == WorkerState::kReady && !other.resting && !other.ending;
    return &other != &place && !other.retired && !serves && other.state != WorkerState::kFailed &&
           other.state != WorkerState::kQuarantined;
  });
  if (!one_is_out) drain_place(index, reason, now + places_[index].pool->timeouts.drain, actions);
}

Actions Supervisor::stop(Time now, Time deadline) {
  Actions actions;
  note_time(now);
  stopping_ = true;
  deadline = std::min(deadline, now + pool_->timeouts.drain);
  for (std::size_t index = 0; index < places_.size(); ++index) {
    Place& place = places_[index];
    if (place.kill_at) place.kill_at = std::min(*place.kill_at, deadline);
    if (!place.running) {
      place.state = WorkerState::kGone;
    } else if (place.state == WorkerState::kDraining) {
      place.deadline = std::min(place.deadline, deadline);
    } else if (place.state == WorkerState::kStarting) {
      end_before_ready(index, ExitReason::kShutdown, deadline, actions);
    } else {
      drain_place(index, place.ending ? place.ending : ExitReason::kShutdown, deadline, actions);
    }
  }
  return actions;
}

bool Supervisor::other_place_ready(std::size_t index) const {
  for (std::size_t other = 0; other < places_.size(); ++other) {
    const Place& place = places_[other];
    if (other != index && place.state == WorkerState::kReady && !place.ending) return true;
  }
  return false;
}

bool Supervisor::failed_at_first_start() const {
  if (!starts_together_ || ever_ready_ || failure_told_) return false;
  return std::ranges::all_of(places_,
                             [](const Place& place) { return place.has_ended || place.retired; });
}

}  // namespace roundhouse::edge
