#include "upstream/balancer.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace roundhouse::upstream {
namespace {

using config::Balance;

std::vector<Candidate> three() { return {{1, 1, 0}, {2, 1, 0}, {3, 1, 0}}; }

std::array<int, 4> counts_of(Balance balance, const std::vector<Candidate>& candidates, int times) {
  Balancer balancer(balance, 1);
  std::array<int, 4> counts{};
  for (int i = 0; i < times; ++i)
    ++counts[candidates[*balancer.choose(candidates, static_cast<std::uint64_t>(i))].id];
  return counts;
}

TEST(Balancer, ChoosesNothingWhereThereIsNothing) {
  Balancer balancer(Balance::kRr, 1);
  EXPECT_FALSE(balancer.choose({}, 0));
}

TEST(Balancer, RotatesSmoothlyByWeight) {
  Balancer balancer(Balance::kRr, 1);
  const std::vector<Candidate> candidates = {{1, 2, 0}, {2, 1, 0}};
  std::string order;
  for (int i = 0; i < 6; ++i) order += *balancer.choose(candidates, 0) == 0 ? 'a' : 'b';
  EXPECT_EQ(order, "abaaba");
}

TEST(Balancer, LeastTakesTheOneWithFewestInFlightForItsWeight) {
  Balancer balancer(Balance::kLeast, 1);
  EXPECT_EQ(balancer.choose(std::vector<Candidate>{{1, 1, 5}, {2, 1, 2}, {3, 1, 4}}, 0), 1);
  EXPECT_EQ(balancer.choose(std::vector<Candidate>{{1, 4, 5}, {2, 1, 2}, {3, 1, 4}}, 0), 0);
}

TEST(Balancer, LeastRotatesAmongEquals) {
  const auto counts = counts_of(Balance::kLeast, three(), 300);
  EXPECT_EQ(counts[1], 100);
  EXPECT_EQ(counts[2], 100);
  EXPECT_EQ(counts[3], 100);
}

TEST(Balancer, TwoChoicesNeverTakeTheBusiestOfAll) {
  const std::vector<Candidate> candidates = {{1, 1, 0}, {2, 1, 0}, {3, 1, 9}};
  const auto counts = counts_of(Balance::kP2c, candidates, 300);
  EXPECT_EQ(counts[3], 0);
  EXPECT_GT(counts[1], 0);
  EXPECT_GT(counts[2], 0);
}

TEST(Balancer, AKeyStaysWhenAnotherEndpointLeaves) {
  Balancer balancer(Balance::kHash, 1);
  const std::vector<Candidate> all = three();
  const std::vector<Candidate> without_two = {{1, 1, 0}, {3, 1, 0}};
  int of_two = 0;
  for (std::uint64_t key = 0; key < 300; ++key) {
    const std::uint32_t before = all[*balancer.choose(all, key)].id;
    const std::uint32_t after = without_two[*balancer.choose(without_two, key)].id;
    if (before == 2)
      ++of_two;
    else
      EXPECT_EQ(before, after) << key;
  }
  EXPECT_GT(of_two, 50);
  EXPECT_LT(of_two, 150);
}

}  // namespace
}  // namespace roundhouse::upstream
