#include "upstream/balancer.h"

#include <algorithm>
#include <cmath>

namespace roundhouse::upstream {
namespace {

double load(const Candidate& candidate) { return (candidate.in_flight + 1) / candidate.weight; }

// The finalizer of splitmix64.
std::uint64_t mixed(std::uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9;
  x ^= x >> 27;
  x *= 0x94d049bb133111eb;
  return x ^ x >> 31;
}

}  // namespace

std::optional<std::size_t> Balancer::choose(std::span<const Candidate> candidates,
                                            std::uint64_t hash) {
  if (candidates.empty()) return std::nullopt;
  if (candidates.size() == 1) return 0;
  switch (balance_) {
    case config::Balance::kRr:
      return choose_rr(candidates);
    case config::Balance::kLeast:
      return choose_least(candidates);
    case config::Balance::kP2c:
      return choose_p2c(candidates);
    case config::Balance::kHash:
      return choose_hash(candidates, hash);
  }
  return 0;
}

double& Balancer::share_of(std::uint32_t id) {
  const auto found = std::ranges::lower_bound(shares_, id, {}, &Share::id);
  if (found != shares_.end() && found->id == id) return found->current;
  return shares_.insert(found, {id, 0})->current;
}

std::size_t Balancer::choose_rr(std::span<const Candidate> candidates) {
  // Those that have gone for good are forgotten now and then.
  if (shares_.size() > 2 * candidates.size() + 16) shares_.clear();
  double total = 0;
  std::size_t best = 0;
  double most = -INFINITY;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    total += candidates[i].weight;
    const double current = share_of(candidates[i].id) += candidates[i].weight;
    if (current <= most) continue;
    most = current;
    best = i;
  }
  share_of(candidates[best].id) -= total;
  return best;
}

std::size_t Balancer::choose_least(std::span<const Candidate> candidates) {
  const std::size_t first = turn_++ % candidates.size();
  std::size_t best = first;
  for (std::size_t i = 1; i < candidates.size(); ++i) {
    const std::size_t here = (first + i) % candidates.size();
    if (load(candidates[here]) < load(candidates[best])) best = here;
  }
  return best;
}

std::size_t Balancer::random_by_weight(std::span<const Candidate> candidates) {
  double total = 0;
  for (const Candidate& candidate : candidates) total += candidate.weight;
  double left = std::uniform_real_distribution<double>(0, total)(random_);
  for (std::size_t i = 0; i + 1 < candidates.size(); ++i) {
    left -= candidates[i].weight;
    if (left < 0) return i;
  }
  return candidates.size() - 1;
}

std::size_t Balancer::choose_p2c(std::span<const Candidate> candidates) {
  const std::size_t one = random_by_weight(candidates);
  const std::size_t step =
      std::uniform_int_distribution<std::size_t>(1, candidates.size() - 1)(random_);
  const std::size_t other = (one + step) % candidates.size();
  return load(candidates[other]) < load(candidates[one]) ? other : one;
}

// Weighted rendezvous hashing: the largest -weight / ln(u), u in (0, 1) of key and endpoint.
std::size_t Balancer::choose_hash(std::span<const Candidate> candidates, std::uint64_t hash) {
  std::size_t best = 0;
  double most = -1;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const std::uint64_t drawn = mixed(hash ^ mixed(candidates[i].id + 0x9e3779b97f4a7c15));
    const double u = (static_cast<double>(drawn >> 11) + 0.5) * 0x1p-53;
    const double score = -candidates[i].weight / std::log(u);
    if (score <= most) continue;
    most = score;
    best = i;
  }
  return best;
}

}  // namespace roundhouse::upstream
