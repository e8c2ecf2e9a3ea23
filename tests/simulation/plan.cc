#include "simulation/plan.h"

namespace roundhouse::simulation {
namespace {

Faults make_faults(Random& random) {
  Faults faults;
  if (random.chance(0.1)) return faults;  // nothing goes wrong
  const double each = random.pick({0.15, 0.4, 0.8});
  for (bool* fault : {&faults.crashes, &faults.failing_starts, &faults.failing_spawns,
                      &faults.stops, &faults.hangs, &faults.slow_takers, &faults.lies,
                      &faults.full_channels, &faults.broken_channels, &faults.own_drains,
                      &faults.breaches, &faults.no_descriptors, &faults.paused_edge}) {
    *fault = random.chance(each);
  }
  return faults;
}

config::Pool make_options(Random& random) {
  config::Pool pool;
  pool.name = "pool";
  pool.workers = static_cast<std::uint32_t>(random.between(1, 6));
  pool.policy = random.chance(0.6) ? config::Policy::kRr
                                   : random.pick({config::Policy::kLeast, config::Policy::kSticky});
  pool.worker_connections = random.pick({1u, 2u, 5u, 20u, 10000u, 10000u});
  pool.handoff.depth = random.pick({1u, 2u, 3u, 8u, 64u, 64u});
  pool.handoff.stall = random.pick<Duration>({20ms, 100ms, 100ms, 300ms});
  pool.restart.burst = random.pick({0u, 1u, 3u, 10u, 10u});
  pool.restart.refill = random.pick<Duration>({200ms, 1s, 10s});
  pool.restart.backoff_min = random.pick<Duration>({100ms, 500ms});
  pool.restart.backoff_max = random.pick<Duration>({1s, 5s});
  pool.restart.failed_starts = random.pick({1u, 3u, 5u});
  pool.restart.probe = random.pick<Duration>({2s, 10s});
  pool.timeouts.ready = random.pick<Duration>({1s, 3s});
  pool.timeouts.drain = random.pick<Duration>({0s, 1s, 3s});
  if (random.chance(0.3)) pool.recycle.requests = random.pick({5u, 30u});
  if (random.chance(0.2)) pool.recycle.lifetime = random.pick<Duration>({1s, 4s});
  return pool;
}

// The faults that need a moment of their own.
void draw_moments(const Plan::Pool& pool, Habits& habits, Random& random) {
  const Faults& faults = pool.faults;
  const auto moment = [&](bool on) -> std::optional<Duration> {
    if (!on || !random.chance(pool.crash_chance)) return std::nullopt;
    return random.pick<Duration>({0s, 200ms, 1s}) + random.between(1ms, 2s);
  };
  habits.exits_after = moment(faults.crashes);
  habits.exit_signal = random.pick({SIGSEGV, SIGKILL, 0});
  habits.exit_code = random.pick({0, 1});
  habits.stops_after = moment(faults.stops);
  habits.hangs_after = moment(faults.hangs);
  if (random.chance(0.7))
    habits.goes_on_after =
        random.pick<Duration>({100ms, 900ms, 1900ms, 2300ms}) + random.between(0ms, 200ms);
  habits.ignores_abort = random.chance(0.3);
  habits.drains_after = moment(faults.own_drains);
  habits.breaches_after = moment(faults.breaches);
  habits.breaks_after = moment(faults.broken_channels);
}

}  // namespace

Plan make_plan(Random& random) {
  Plan plan;
  plan.faults_last = random.between(1s, 6s);
  plan.arrivals_last = plan.faults_last + random.between(0s, 2s);
  plan.arrivals = random.pick({20u, 80u, 200u});
  plan.stop_under_faults = random.chance(0.15);
  plan.shutdown_deadline = random.pick<Duration>({500ms, 2s, 5s});
  for (std::uint64_t pools = random.chance(0.3) ? 2 : 1; pools > 0; --pools) {
    plan.pools.push_back({.options = make_options(random),
                          .listeners = random.between(1, 3),
                          .faults = make_faults(random),
                          .crash_chance = random.pick({0.1, 0.3, 0.8})});
  }
  return plan;
}

Habits make_habits(const Plan::Pool& pool, std::size_t place, bool faults_may_happen,
                   Random& random) {
  Habits habits;
  habits.boot = random.between(5ms, 80ms);
  habits.service_max = random.pick<Duration>({2ms, 30ms, 300ms, 2s});
  habits.take_delay = random.between(10us, 500us);
  habits.leaves_unread = random.chance(0.2);
  if (!faults_may_happen) return habits;
  if (pool.stopped_place == place) habits.stops_after = random.between(300ms, 1s);
  if (pool.stopped_place) return habits;
  const Faults& faults = pool.faults;
  draw_moments(pool, habits, random);
  if (faults.failing_starts && random.chance(pool.crash_chance)) {
    habits.never_ready = random.chance(0.3);
    habits.exits_after = random.between(0ms, habits.boot);
    habits.exit_signal = random.pick({SIGSEGV, 0});
    habits.exit_code = random.chance(0.2) ? 125 : 1;
    if (habits.never_ready) habits.exits_after.reset();
  }
  if (faults.slow_takers && random.chance(0.5))
    habits.take_delay = random.pick<Duration>({10ms, 60ms, 150ms, 400ms});
  if (faults.lies && random.chance(0.4))
    habits.lie = random.pick({Lie::kAllTaken, Lie::kNothingTaken, Lie::kAnything});
  if (faults.full_channels) {
    habits.channel_capacity = random.pick<std::size_t>({1, 8, 20, 278});
    habits.full_chance = random.pick({0.0, 0.05, 0.5});
  }
  return habits;
}

}  // namespace roundhouse::simulation
