#include "simulation/supervision_watch.h"

#include <algorithm>
#include <csignal>

namespace roundhouse::simulation {
namespace {

using edge::ExitReason;
using edge::WorkerState;

constexpr Duration kTick = 100ms;
constexpr Duration kSlack = 10ms;  // messages and turns take a moment

bool recycled(ExitReason reason) {
  return reason == ExitReason::kRecycleRequests || reason == ExitReason::kRecycleMemory ||
         reason == ExitReason::kRecycleLifetime;
}

}  // namespace

SupervisionWatch::SupervisionWatch(World& world, const config::Pool& options,
                                   const edge::Supervisor& supervisor)
    : world_(world), options_(options), supervisor_(supervisor), seats_(options.workers) {}

void SupervisionWatch::starts(std::size_t place) {
  Place& seat = seats_[place];
  Record& record = world_.record;
  record.check(!seat.process, "place ", place, " is started beside a living process");
  record.check(!stop_deadline_ && !failed_, "place ", place, " is started while stopping");
  record.check(!seat.starts_never, "place ", place, " is started though it failed for good");
  record.check(!seat.start_not_before || world_.now() >= *seat.start_not_before, "place ", place,
               " is started before its time");
  seat = {.process = false,
          .was_ready = false,
          .ever_ended = seat.ever_ended,
          .drains_itself = false,
          .failed_starts = seat.failed_starts,
          .restarts_level = seat.restarts_level,
          .restarts_at = seat.restarts_at,
          .lost_at_start = world_.edge_lost};
}

void SupervisionWatch::spawned(std::size_t place) { seats_[place].process = true; }

void SupervisionWatch::ready(std::size_t place) {
  Place& seat = seats_[place];
  if (seat.was_ready || supervisor_.state(place) != WorkerState::kReady) return;
  seat.was_ready = ever_ready_ = true;
  seat.ready_at = world_.now();
}

bool SupervisionWatch::others_ready(std::size_t place) const {
  for (std::size_t other = 0; other < seats_.size(); ++other) {
    const bool ready = supervisor_.state(other) == WorkerState::kReady;
    if (other != place && ready && !seats_[other].aborted_at && !seats_[other].kill_ordered)
      return true;
  }
  return false;
}

void SupervisionWatch::spawn_failed(std::size_t place) {
  Place& seat = seats_[place];
  seat.ever_ended = true;
  ++seat.failed_starts;
  const WorkerState next = supervisor_.state(place);
  ended(place, next, supervisor_.next_start(place), false);
  world_.record.check(next != WorkerState::kStarting, "place ", place,
                      " is started again at once after a failed spawn");
}

void SupervisionWatch::exited(std::size_t place, const edge::ExitStatus& status,
                              const edge::Obituary& obituary) {
  Place& seat = seats_[place];
  seat.process = false;
  seat.ever_ended = true;
  seat.failed_starts = seat.was_ready ? 0 : seat.failed_starts + 1;
  world_.record.check(obituary.was_ready == seat.was_ready, "place ", place,
                      ": the obituary is wrong about ready");
  if (!stop_deadline_ && !failed_ && status.signal == 0 && status.code == edge::kPermanentFailure)
    world_.record.check(obituary.next == WorkerState::kFailed, "place ", place,
                        " is not given up after exit code 125");
  const bool at_once = obituary.next == WorkerState::kStarting;
  ended(place, obituary.next, world_.now() + obituary.next_start_in,
        at_once && !recycled(obituary.reason));
}

void SupervisionWatch::ended(std::size_t place, WorkerState next, Time next_start, bool budgeted) {
  Place& seat = seats_[place];
  Record& record = world_.record;
  seat.starts_never = next == WorkerState::kFailed || next == WorkerState::kGone;
  if (seat.starts_never) return;
  seat.start_not_before = next_start;
  const bool due = seat.failed_starts >= options_.restart.failed_starts;
  record.check(
      (next == WorkerState::kQuarantined) == due || budgeted || next == WorkerState::kStarting,
      "place ", place, ": quarantine is ", next == WorkerState::kQuarantined, " after ",
      seat.failed_starts, " failed starts");
  record.check(!budgeted || !due, "place ", place, " is not quarantined");
  if (next == WorkerState::kQuarantined)
    record.check(next_start == world_.now() + options_.restart.probe, "place ", place,
                 " is not probed in time");
  if (next == WorkerState::kBackoff) {
    const Duration delay = next_start - world_.now();
    record.check(delay <= 1s || others_ready(place), "place ", place,
                 " was the last that was ready and waits ", seconds(delay));
    record.check(delay <= options_.restart.backoff_max * 6 / 5, "place ", place, " waits too long");
  }
  if (!budgeted) return;
  const double gone = seconds(world_.now() - seat.restarts_at) / seconds(options_.restart.refill);
  seat.restarts_level = std::max(0.0, seat.restarts_level - gone) + 1;
  seat.restarts_at = world_.now();
  record.check(seat.restarts_level <= options_.restart.burst + 1e-6, "place ", place,
               " is restarted beyond its budget");
}

void SupervisionWatch::broke_protocol(std::size_t place, const Worker* worker) {
  world_.record.check(worker == nullptr || !worker->alive(), "place ", place,
                      " broke the protocol and lives on");
}

void SupervisionWatch::fails() {
  world_.record.check(!failed_, "the pool fails twice");
  world_.record.check(!ever_ready_, "the pool fails though a worker was ready");
  world_.record.check(std::ranges::all_of(seats_, &Place::ever_ended),
                      "the pool fails before every place did");
  failed_ = true;
}

void SupervisionWatch::stops(Time deadline) {
  stop_deadline_ = std::min(deadline, world_.now() + options_.timeouts.drain);
}

void SupervisionWatch::serves(std::size_t place, const Worker* worker) {
  world_.record.check(worker != nullptr && seats_[place].process && worker->said_ready(), "place ",
                      place, " is to serve without a ready process");
}

void SupervisionWatch::drains(std::size_t place, Time deadline) {
  Place& seat = seats_[place];
  seat.drain_deadline = deadline;
  seat.lost_at_drain = world_.edge_lost;
  if (stop_deadline_ || seat.drains_itself) return;
  // So it is recycled.
  for (std::size_t other = 0; other < seats_.size(); ++other) {
    const WorkerState state = supervisor_.state(other);
    const bool probe = seats_[other].failed_starts >= options_.restart.failed_starts;
    const bool out = (state == WorkerState::kStarting && !probe) ||
                     state == WorkerState::kDraining || state == WorkerState::kBackoff;
    world_.record.check(other == place || !out, "place ", place, " is recycled while place ", other,
                        " is out");
  }
}

void SupervisionWatch::signals(std::size_t place, int number, const Worker* worker) {
  Place& seat = seats_[place];
  if (worker == nullptr || !worker->alive()) return;
  const Time now = world_.now();
  const bool breached = worker->breached();
  const auto forgiven = [&](Duration lost_before) { return world_.edge_lost - lost_before; };
  const bool boot_is_over = !seat.was_ready && now >= worker->started() + options_.timeouts.ready +
                                                          forgiven(seat.lost_at_start);
  // A pause of the edge starts the time anew.
  const Time silent_since =
      std::max({worker->heartbeat(), seat.ready_at, world_.edge_forgives_since});
  const bool hung = worker->silent() && now >= silent_since + options_.liveness.replace;
  const bool drain_is_over =
      seat.drain_deadline && now >= *seat.drain_deadline + forgiven(seat.lost_at_drain);
  const bool stop_is_over = stop_deadline_ && now >= *stop_deadline_;
  const bool abort_is_over = seat.aborted_at && now >= *seat.aborted_at + options_.liveness.kill +
                                                           forgiven(seat.lost_at_abort);
  bool justified = false;
  if (number == SIGTERM) justified = stop_deadline_.has_value() && !seat.was_ready;
  if (number == SIGABRT) justified = boot_is_over || hung;
  if (number == SIGKILL)
    justified = breached || (hung && worker->stopped()) || drain_is_over || stop_is_over ||
                abort_is_over || failed_;
  world_.record.check(justified, worker->seat(), " is sent signal ", number, " without a reason");
  if (number == SIGABRT) {
    seat.aborted_at = now;
    seat.lost_at_abort = world_.edge_lost;
  }
  if (number == SIGKILL) seat.kill_ordered = true;
}

void SupervisionWatch::ticked(std::size_t place, const Worker* worker) {
  const Place& seat = seats_[place];
  if (!seat.process || worker == nullptr || !worker->alive()) return;
  const Time now = world_.now();
  const Time awake = world_.edge_awake_since;
  const Duration late = 2 * kTick + kSlack;
  const bool ready = supervisor_.state(place) == WorkerState::kReady && !seat.kill_ordered;
  if (ready && worker->silent() && !seat.aborted_at) {
    const Time since = std::max({worker->heartbeat(), seat.ready_at, awake});
    world_.record.check(now <= since + options_.liveness.replace + late, worker->seat(),
                        " hangs and nobody acts");
  }
  if (seat.aborted_at) {
    world_.record.check(now <= std::max(*seat.aborted_at, awake) + options_.liveness.kill + late,
                        worker->seat(), " outlives its abort");
  }
  if (!seat.was_ready && !stop_deadline_) {
    const Duration most = options_.timeouts.ready + options_.liveness.kill + late;
    world_.record.check(now <= std::max(worker->started(), awake) + most, worker->seat(),
                        " starts for ever");
  }
  if (stop_deadline_) {
    const Time end = std::max(*stop_deadline_, awake + options_.timeouts.drain);
    world_.record.check(now <= end + late, worker->seat(), " outlives the stop");
  }
  if (seat.drain_deadline) {
    const Duration most = options_.timeouts.drain + late;
    world_.record.check(now <= std::max(*seat.drain_deadline, awake + most) + late, worker->seat(),
                        " drains for ever");
  }
}

}  // namespace roundhouse::simulation
