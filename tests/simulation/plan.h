// What a seed makes: the pools with their options, which faults may happen, and how each process
// behaves.
#pragma once

#include <csignal>
#include <optional>
#include <vector>

#include "config/options.h"
#include "simulation/random.h"

namespace roundhouse::simulation {

using namespace std::chrono_literals;

inline constexpr Duration kHeartbeat = 200ms;  // of a healthy worker

inline constexpr std::size_t kChannelCapacity = 278;  // of the kernel, measured

// Which kinds of fault a run has.
struct Faults {
  bool crashes = false;
  bool failing_starts = false;  // dies before ready, never ready, exit 125
  bool failing_spawns = false;
  bool stops = false;  // SIGSTOP, mostly with SIGCONT
  bool hangs = false;
  bool slow_takers = false;
  bool lies = false;
  bool full_channels = false;
  bool broken_channels = false;
  bool own_drains = false;
  bool breaches = false;
  bool no_descriptors = false;  // at accept
  bool paused_edge = false;

  bool kill_connections() const {
    return crashes || stops || hangs || breaches || broken_channels || failing_starts;
  }
  bool any() const {
    return kill_connections() || failing_spawns || slow_takers || lies || full_channels ||
           own_drains || no_descriptors || paused_edge;
  }
};

enum class Lie { kNone, kAllTaken, kNothingTaken, kAnything };

// How one process behaves. Times count from its start; a fault happens only while faults may.
struct Habits {
  Duration boot = 20ms;
  bool never_ready = false;
  bool ignores_abort = false;
  Duration take_delay = 50us;
  Duration service_max = 100ms;
  Lie lie = Lie::kNone;
  std::size_t channel_capacity = kChannelCapacity;  // descriptors in flight
  double full_chance = 0;                           // of one send
  bool leaves_unread = false;  // exits at the end of a drain with messages unread
  std::optional<Duration> exits_after;
  int exit_signal = SIGSEGV;
  int exit_code = 0;
  std::optional<Duration> stops_after;
  std::optional<Duration> goes_on_after;  // for so long it is stopped or hung; none: for ever
  std::optional<Duration> hangs_after;
  std::optional<Duration> drains_after;
  std::optional<Duration> breaches_after;
  std::optional<Duration> breaks_after;
};

struct Plan {
  struct Pool {
    config::Pool options;
    std::size_t listeners = 1;
    Faults faults;
    double crash_chance = 0;                   // of each process, where a kind of fault is on
    std::optional<std::size_t> stopped_place;  // each process there is stopped after a while
  };
  std::vector<Pool> pools;
  std::uint64_t arrivals = 0;  // over all pools
  Duration faults_last{};      // from the start
  Duration arrivals_last{};
  Duration shutdown_deadline = 5s;
  bool stop_under_faults = false;  // the stop comes while faults still happen
};

Plan make_plan(Random& random);
Habits make_habits(const Plan::Pool& pool, std::size_t place, bool faults_may_happen,
                   Random& random);

}  // namespace roundhouse::simulation
