#include "simulation/simulation.h"

#include <algorithm>

namespace roundhouse::simulation {
namespace {

constexpr Duration kTick = 100ms;
constexpr Duration kNoticed = edge::Supervisor::kTickLate;

}  // namespace

Simulation::Simulation(std::uint64_t seed, bool tracing, std::optional<Plan> plan)
    : world_(seed, tracing, std::move(plan)) {
  world_.faults_end = world_.now() + world_.plan.faults_last;
  describe(seed);
  for (std::size_t i = 0; i < world_.plan.pools.size(); ++i)
    pools_.push_back(std::make_unique<Pool>(world_, i, [this] { wake(); }));
}

void Simulation::describe(std::uint64_t seed) {
  world_.record.note("seed ", seed, ", faults until ", seconds(world_.plan.faults_last));
  for (const Plan::Pool& pool : world_.plan.pools) {
    const config::Pool& options = pool.options;
    world_.record.note("pool of ", options.workers, ", policy ", to_string(options.policy),
                       ", depth ", options.handoff.depth, ", worker_connections ",
                       options.worker_connections, ", stall ", seconds(options.handoff.stall), ", ",
                       pool.listeners, " listeners, faults ", pool.faults.any());
  }
}

void Simulation::plan_arrivals() {
  Random& random = world_.random;
  for (std::uint64_t left = world_.plan.arrivals; left > 0;) {
    const std::uint64_t burst = std::min(left, random.pick<std::uint64_t>({1, 1, 1, 5, 40}));
    left -= burst;
    const std::size_t pool = random.below(pools_.size());
    const std::size_t listener = random.below(world_.plan.pools[pool].listeners);
    world_.timeline.in(random.between(0ms, world_.plan.arrivals_last),
                       [this, burst, pool, listener] {
                         for (std::uint64_t i = 0; i < burst; ++i) pools_[pool]->arrive(listener);
                       });
  }
}

void Simulation::plan_pauses() {
  const auto paused = [](const Plan::Pool& pool) { return pool.faults.paused_edge; };
  if (!std::ranges::any_of(world_.plan.pools, paused)) return;
  for (std::uint64_t i = world_.random.between(1, 4); i > 0; --i) {
    const Duration length = world_.random.pick<Duration>({200ms, 450ms, 900ms, 4s});
    world_.timeline.in(world_.random.between(0ms, world_.plan.faults_last), [this, length] {
      if (!world_.faults_happen() || world_.now() < paused_until_) return;
      world_.record.note("the edge is paused for ", seconds(length));
      paused_until_ = world_.edge_awake_since = world_.now() + length;
      if (length <= kNoticed) return;
      world_.edge_forgives_since = paused_until_;
      world_.edge_lost += length;
    });
  }
}

void Simulation::tick() {
  for (const auto& pool : pools_) pool->tick_is_due();
  wake();
  // A periodic timer of a loop that did not run fires once, when it runs again.
  world_.timeline.at(std::max(world_.now() + kTick, paused_until_), [this] { tick(); });
}

void Simulation::wake() {
  if (turn_is_due_) return;
  turn_is_due_ = true;
  const Duration soon = world_.random.between(5us, 100us);
  world_.timeline.at(std::max(world_.now(), paused_until_) + soon, [this] { turn(); });
}

void Simulation::turn() {
  turn_is_due_ = false;
  if (world_.now() < paused_until_) return wake();
  for (const auto& pool : pools_) pool->turn();
  const bool failed = std::ranges::any_of(pools_, [](const auto& pool) { return pool->failed(); });
  if (failed && !stopping_) stop();
}

void Simulation::run_until(Time end) {
  bool reached = false;
  world_.timeline.at(end, [&reached] { reached = true; });
  while (!reached && !world_.record.violation() && world_.timeline.step()) continue;
}

// From the last fault to the worst place being ready: a process that was started badly is ended and
// another one started.
Duration Simulation::recovery_bound() const {
  Duration worst{};
  for (const auto& pool : pools_) {
    const config::Pool& options = pool->options();
    const Duration end = std::max({options.timeouts.ready, options.timeouts.drain,
                                   options.liveness.replace + kHeartbeat}) +
                         options.liveness.kill;
    const Duration wait = std::max(options.restart.probe, options.restart.backoff_max * 6 / 5);
    worst = std::max(worst, end + wait);
  }
  return worst + 1s;
}

void Simulation::wait_for_calm() {
  for (const auto& pool : pools_) pool->calm();
  if (world_.now() < paused_until_) run_until(paused_until_);
  const Time ready_by = world_.now() + recovery_bound();
  const auto settled = [this] {
    return std::ranges::all_of(pools_, [](const auto& pool) { return pool->has_recovered(); });
  };
  while (!settled() && world_.now() < ready_by && !stopping_ && !world_.record.violation())
    run_until(world_.now() + kTick);
  world_.record.check(settled() || stopping_, "not every place is ready again");
  const Time arrivals_end = Time(1000s) + world_.plan.arrivals_last;
  if (world_.now() < arrivals_end) run_until(arrivals_end);
  if (wait_until_served()) probe();
}

// With everything idle: whoever looks healthy from inside must be so from outside.
void Simulation::probe() {
  run_until(world_.now() + 1s);
  if (stopping_ || world_.record.violation() || world_.ledger.unfinished() != 0) return;
  for (const auto& pool : pools_) pool->begin_probe();
  run_until(world_.now() + 1s);
  for (const auto& pool : pools_) pool->end_probe();
  wait_until_served();
}

// False where that cannot be: a pool is given up, or the edge stops.
bool Simulation::wait_until_served() {
  for (std::uint64_t before = ~0ull; !stopping_ && !world_.record.violation();) {
    if (world_.ledger.unfinished() == 0) return true;
    const bool dead =
        std::ranges::any_of(pools_, [](const auto& pool) { return pool->has_died(); });
    if (dead) return false;
    world_.record.check(world_.ledger.finished() != before, world_.ledger.unfinished(),
                        " connections wait and nothing happens");
    before = world_.ledger.finished();
    run_until(world_.now() + 10s);
  }
  return false;
}

void Simulation::stop() {
  if (stopping_) return;
  stopping_ = true;
  world_.record.note("the edge is asked to stop");
  for (const auto& pool : pools_) pool->stop(world_.now() + world_.plan.shutdown_deadline);
  wake();
}

bool Simulation::all_gone() const {
  return std::ranges::all_of(pools_,
                             [](const auto& pool) { return pool->stopping() && pool->all_gone(); });
}

Outcome Simulation::run() {
  for (const auto& pool : pools_) pool->start();
  plan_arrivals();
  plan_pauses();
  tick();
  run_until(world_.plan.stop_under_faults
                ? world_.now() + world_.random.between(0ms, world_.plan.faults_last)
                : world_.faults_end);
  if (!world_.plan.stop_under_faults && !stopping_) wait_for_calm();
  stop();
  const Time gone_by =
      std::max(world_.now(), world_.faults_end) + world_.plan.shutdown_deadline + 6s;
  while (!all_gone() && world_.now() < gone_by && !world_.record.violation())
    run_until(world_.now() + kTick);
  world_.record.check(all_gone(), "somebody outlives the stop");
  for (const auto& pool : pools_) pool->end();
  world_.record.check(world_.ledger.unfinished() == 0, world_.ledger.unfinished(),
                      " connections have no end");
  Outcome outcome{.violation = world_.record.violation(),
                  .connections = world_.ledger.count(),
                  .died = world_.ledger.died_count(),
                  .shed = world_.ledger.shed_count(),
                  .moves = world_.ledger.moves(),
                  .longest_wait = world_.ledger.longest_wait()};
  for (const auto& pool : pools_) {
    outcome.rotations_checked += pool->rotations_checked();
    outcome.processes += pool->processes();
  }
  return outcome;
}

}  // namespace roundhouse::simulation
