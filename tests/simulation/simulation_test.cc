// Thousands of seeded runs of the edge's pure parts in a model world.
//
//   simulation                 the tests
//   simulation --seed N        one run, every event printed
//   simulation --seeds N M     runs N to M, a line for each that breaks a rule, and a sum
#include "simulation/simulation.h"

#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>

namespace roundhouse::simulation {
namespace {

volatile std::uint64_t current_seed = 0;

// A CHECK of the code under test aborts: say which seed did it.
void on_abort(int) {
  std::fprintf(stderr, "aborted; replay: simulation --seed %lu\n", current_seed);
}

Outcome run(std::uint64_t seed, bool tracing) {
  current_seed = seed;
  return Simulation(seed, tracing).run();
}

Outcome run_all(std::uint64_t first, std::uint64_t last) {
  Outcome sum;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    const Outcome one = run(seed, false);
    sum.connections += one.connections;
    sum.died += one.died;
    sum.shed += one.shed;
    sum.moves += one.moves;
    sum.processes += one.processes;
    sum.rotations_checked += one.rotations_checked;
    if (!one.violation) continue;
    sum.violation = "seed " + std::to_string(seed) + ": " + *one.violation +
                    "\nreplay: simulation --seed " + std::to_string(seed);
    std::printf("%s\n", sum.violation->c_str());
  }
  return sum;
}

// In parts, so that they run side by side.
class Seeds : public ::testing::TestWithParam<std::uint64_t> {};

constexpr std::uint64_t kSeedsInAPart = 2000;

TEST_P(Seeds, NoConnectionIsLostOrServedTwiceAndEveryPlaceRecovers) {
  const Outcome sum = run_all(GetParam(), GetParam() + kSeedsInAPart - 1);
  EXPECT_EQ(sum.violation, std::nullopt) << *sum.violation;
  // The worlds are not empty ones.
  EXPECT_GT(sum.connections, 10 * kSeedsInAPart);
  EXPECT_GT(sum.processes, 5 * kSeedsInAPart);
  EXPECT_GT(sum.moves, 100u);
  EXPECT_GT(sum.died, 100u);
  EXPECT_GT(sum.rotations_checked, 1000u);
}

INSTANTIATE_TEST_SUITE_P(Simulation, Seeds,
                         ::testing::Range<std::uint64_t>(1, 1 + 6 * kSeedsInAPart, kSeedsInAPart));

TEST(Simulation, TheSameSeedMakesTheSameRun) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Outcome first = run(seed, false);
    const Outcome second = run(seed, false);
    EXPECT_EQ(first.connections, second.connections);
    EXPECT_EQ(first.died, second.died);
    EXPECT_EQ(first.processes, second.processes);
    EXPECT_EQ(first.moves, second.moves);
  }
}

TEST(Simulation, WithOneOfFourWorkersStoppedNobodyWaitsLong) {
  std::uint64_t moves = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Plan plan{.arrivals = 400, .faults_last = 6s, .arrivals_last = 7s};
    Plan::Pool& pool = plan.pools.emplace_back(Plan::Pool{.stopped_place = seed % 4});
    pool.options.workers = 4;
    pool.options.policy =
        std::array{config::Policy::kRr, config::Policy::kLeast, config::Policy::kSticky}[seed % 3];
    current_seed = seed;
    const Outcome outcome = Simulation(seed, false, plan).run();
    EXPECT_EQ(outcome.violation, std::nullopt) << "seed " << seed << ": " << *outcome.violation;
    moves += outcome.moves;
    EXPECT_GT(outcome.processes, 4u) << seed;  // it was replaced
    const bool sticky = pool.options.policy == config::Policy::kSticky;
    const Duration first_wait = sticky ? pool.options.liveness.suspect : Duration();
    EXPECT_LE(outcome.longest_wait, first_wait + 3 * pool.options.handoff.stall) << seed;
  }
  EXPECT_GT(moves, 300u);
}

}  // namespace

int main(int count, char** arguments) {
  std::signal(SIGABRT, on_abort);
  const auto number = [&](int i) { return std::strtoull(arguments[i], nullptr, 10); };
  if (count == 3 && std::strcmp(arguments[1], "--seed") == 0) {
    const Outcome outcome = run(number(2), true);
    std::printf("%s\n", outcome.violation ? outcome.violation->c_str() : "every rule held");
    return outcome.violation ? 1 : 0;
  }
  if (count == 4 && std::strcmp(arguments[1], "--seeds") == 0) {
    const Outcome sum = run_all(number(2), number(3));
    std::printf(
        "%lu connections, %lu died with a worker, %lu shed at a stop, %lu moved, "
        "%lu processes, %lu rotations checked\n",
        sum.connections, sum.died, sum.shed, sum.moves, sum.processes, sum.rotations_checked);
    return sum.violation ? 1 : 0;
  }
  ::testing::InitGoogleTest(&count, arguments);
  return RUN_ALL_TESTS();
}

}  // namespace roundhouse::simulation

int main(int count, char** arguments) { return roundhouse::simulation::main(count, arguments); }
