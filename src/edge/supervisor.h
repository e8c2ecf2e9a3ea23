// The life of a pool's workers: who is started, believed ready, drained, killed, replaced, and
// when.
//
// Pure: no clock, no process, no I/O. Events go in with the time, actions come out; the pool
// carries them out and tells what came of it. So every rule here is tested and simulated without a
// process or a sleep.
//
//   starting -> ready -> draining -> (exit) -> starting | backoff | quarantined | failed | gone
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <vector>

#include "base/clock.h"
#include "config/options.h"
#include "edge/respawn_policy.h"
#include "ipc/board.h"

namespace roundhouse::edge {

using ipc::ExitReason;
using ipc::WorkerState;

inline constexpr int kPermanentFailure = 125;  // exit code: do not restart me (s6)

// How a worker's process ended, as waitpid tells it.
struct ExitStatus {
  int signal = 0;
  int code = 0;
  bool out_of_memory = false;  // SIGKILL, and the cgroup counted one more oom_kill
  bool announced = false;      // it had said that it would exit: no code is a crash
};

// What the edge sees of a running worker at a tick.
struct Observation {
  std::optional<Time> heartbeat;  // its event loop's last; none: it does not tell
  bool stopped = false;           // SIGSTOP: state T. Asked for only when the worker is late
  std::uint64_t requests = 0;     // since its start
  config::Bytes memory = 0;       // resident; 0 = not known
  std::optional<Time> unanswered_since = {};  // it owes an answer
};

struct Action {
  enum class Kind : std::uint8_t {
    kStart,       // start a process for the place
    kServe,       // give it connections
    kRest,        // give it none, it may come back (heartbeat late)
    kDrain,       // ask it to finish by `deadline`; give it nothing more
    kSignal,      // send `signal`
    kPoolFailed,  // every worker failed at its first start: the program ends
  };
  Kind kind;
  std::size_t place = 0;
  int signal = 0;
  Time deadline{};
};
using Actions = std::vector<Action>;

// What became of an ended worker; for the log, the exit record and the metrics.
struct Obituary {
  ExitReason reason;
  bool was_ready;
  Duration lived;
  Duration ready_for;      // zero if it never was
  WorkerState next;        // backoff, quarantined, failed, gone, or starting: at once
  Duration next_start_in;  // zero: at once
};

using PoolOptions = std::shared_ptr<const config::Pool>;

class Supervisor {
 public:
  Supervisor(PoolOptions pool, std::uint64_t seed, Time now);
  Supervisor(const config::Pool& pool, std::uint64_t seed, Time now)
      : Supervisor(std::make_shared<const config::Pool>(pool), seed, now) {}

  // The first places, one for each worker; the others stay empty.
  Actions start(Time now);

  // For an owner who starts workers one by one and decides how many there are; nothing is then
  // concluded from all first starts having failed.
  //
  // One more place, empty. Unless it `respawns`, a worker that ends leaves it empty (kGone).
  void add_place(Time now, bool respawns);
  // REQUIRES: no process runs there and none is about to be started.
  Actions start_place(std::size_t place, Time now);
  // Drains the worker there, whatever its state; none is started in its place.
  Actions retire(std::size_t place, Time now, Time deadline,
                 ExitReason reason = ExitReason::kShutdown);

  // A worker on trial, with options that are not in force yet: should it end, none is started in
  // its place until keep() says that it stays. REQUIRES: as start_place.
  Actions try_place(std::size_t place, PoolOptions options, Time now);
  // Instead: it ends, at once if it is not ready yet.
  Actions give_up(std::size_t place, Time now, Time deadline, ExitReason reason);
  void keep(std::size_t place) { places_[place].respawns = true; }
  // Who is started from now on is so with these; who runs keeps those it was started with.
  void adopt(PoolOptions options) { pool_ = std::move(options); }

  void spawned(std::size_t place, Time now);
  // fork or exec did not succeed; counts as a start that never became ready, and is not tried again
  // at once.
  Actions spawn_failed(std::size_t place, Time now);
  Actions ready(std::size_t place, Time now);
  // It drains by itself: somebody signalled it.
  Actions draining(std::size_t place, Time now);
  // It broke the channel's protocol.
  Actions breach(std::size_t place, Time now);
  // It failed probes that began at `since` and later. `stopped`: as in Observation.
  Actions hangs(std::size_t place, Time since, bool stopped, Time now);
  Obituary exited(std::size_t place, const ExitStatus& status, Time now, Actions& actions);
  // At least every kTickLate / 2; one observation per place (ignored where no process runs).
  Actions tick(Time now, std::span<const Observation> observations);
  // Drains all and starts nothing more.
  Actions stop(Time now, Time deadline);

  WorkerState state(std::size_t place) const { return places_[place].state; }
  Time next_start(std::size_t place) const { return places_[place].next_start; }
  std::size_t size() const { return places_.size(); }
  std::size_t ready_count() const {
    return static_cast<std::size_t>(
        std::ranges::count(places_, WorkerState::kReady, &Place::state));
  }
  bool stopping() const { return stopping_; }
  bool all_gone() const { return std::ranges::none_of(places_, &Place::running); }

  // A tick (or another event) later than this after the last tick forgives every deadline the time
  // that was lost.
  static constexpr Duration kTickLate = std::chrono::milliseconds(500);

 private:
  struct Place {
    Place(PoolOptions options, Time now) : pool(std::move(options)), respawn(pool->restart, now) {}
    PoolOptions pool;  // that its process was started with
    RespawnPolicy respawn;
    WorkerState state = WorkerState::kBackoff;
    bool running = false;    // there is a process
    bool was_ready = false;  // this process
    bool resting = false;    // its heartbeat is late
    bool has_ended = false;  // some process of this place, or its start, did
    bool respawns = true;
    bool retired = false;
    std::optional<ExitReason> ending;  // why we end it
    Time started{};
    Time ready_since{};
    Time next_start{};       // when no process runs
    Time deadline{};         // starting: ready by; draining: gone by
    Time heartbeat_after{};  // heartbeats are judged from here on at the earliest
    std::optional<Time> kill_at;
    std::uint64_t recycle_requests = 0;
    config::Bytes recycle_memory = 0;
    Duration recycle_lifetime{};
  };

  void start_place(std::size_t place, Time now, Actions& actions);
  void begin_ending(std::size_t place, ExitReason reason, int signal, Time kill_at,
                    Actions& actions);
  void drain_place(std::size_t place, std::optional<ExitReason> reason, Time deadline,
                   Actions& actions);
  void end_before_ready(std::size_t place, ExitReason reason, Time deadline, Actions& actions);
  void check_deadlines(std::size_t place, Time now, Actions& actions);
  void check_heartbeat(std::size_t place, Time now, const Observation& seen, Actions& actions);
  void check_answers(std::size_t place, Time now, const Observation& seen, Actions& actions);
  void check_recycling(std::size_t place, Time now, const Observation& seen, Actions& actions);
  void note_time(Time now);
  void forgive(Duration lost);
  void rest_place(std::size_t place, const Respawn& respawn, Time now, Actions& actions);
  ExitReason reason_of(const Place& place, const ExitStatus& status) const;
  bool other_place_ready(std::size_t place) const;
  bool failed_at_first_start() const;
  bool starts_no_more(const Place& place) const {
    return stopping_ || failure_told_ || place.retired || !place.respawns;
  }
  static int stop_signal(const Place& place) { return config::number_of(place.pool->stop_signal); }
  double random() { return std::uniform_real_distribution<double>(0, 1)(random_); }

  PoolOptions pool_;
  std::vector<Place> places_;
  std::mt19937_64 random_;
  std::optional<Time> last_tick_;
  bool stopping_ = false;
  bool starts_together_ = false;
  bool ever_ready_ = false;
  bool failure_told_ = false;
};

}  // namespace roundhouse::edge
