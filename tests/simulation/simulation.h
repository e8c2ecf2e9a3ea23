// One run: a world made from a seed, its faults, its end, and the rules checked on the way.
//
// Three parts of time. Faults happen; then none any more, and within a bound every place that did
// not fail for good is ready and every connection served; then the edge stops and all are gone
// within the deadline. Sometimes it stops while faults still happen.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "simulation/pool.h"

namespace roundhouse::simulation {

// What a run was worth.
struct Outcome {
  std::optional<std::string> violation;
  std::uint64_t connections = 0;
  std::uint64_t died = 0;
  std::uint64_t shed = 0;
  std::uint64_t moves = 0;
  Duration longest_wait{};  // from accepted to taken
  std::uint64_t processes = 0;
  std::uint64_t rotations_checked = 0;
};

class Simulation {
 public:
  Simulation(std::uint64_t seed, bool tracing, std::optional<Plan> plan = std::nullopt);
  Outcome run();

 private:
  void describe(std::uint64_t seed);
  void plan_arrivals();
  void plan_pauses();
  void tick();
  void wake();
  void turn();
  void wait_for_calm();
  bool wait_until_served();
  void probe();
  void run_until(Time end);
  void stop();
  bool all_gone() const;
  Duration recovery_bound() const;

  World world_;
  std::vector<std::unique_ptr<Pool>> pools_;
  Time paused_until_{};
  bool turn_is_due_ = false;
  bool stopping_ = false;
};

}  // namespace roundhouse::simulation
