// Which endpoint gets the next request. Pure: no clock, no sockets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <vector>

#include "config/proxy_options.h"

namespace roundhouse::upstream {

// One endpoint that may be chosen.
struct Candidate {
  std::uint32_t id = 0;         // stable
  double weight = 1;            // above 0; less while it starts slowly
  std::uint32_t in_flight = 0;  // requests
};

//   rr      smooth weighted rotation: of weights 2 and 1, a b a a b a
//   least   fewest requests in flight for its weight; among equals by rotation
//   p2c     two at random by weight, of these the one with fewer in flight for its weight
//   hash    rendezvous: a key stays with its endpoint while that is eligible, and the keys of one
//           that leaves spread over all others
class Balancer {
 public:
  Balancer(config::Balance balance, std::uint64_t seed) : balance_(balance), random_(seed) {}

  // An index into `candidates`, nothing if there are none. `hash` is only looked at by kHash.
  std::optional<std::size_t> choose(std::span<const Candidate> candidates, std::uint64_t hash);

 private:
  struct Share {
    std::uint32_t id;
    double current;
  };

  std::size_t choose_rr(std::span<const Candidate> candidates);
  std::size_t choose_least(std::span<const Candidate> candidates);
  std::size_t choose_p2c(std::span<const Candidate> candidates);
  static std::size_t choose_hash(std::span<const Candidate> candidates, std::uint64_t hash);
  std::size_t random_by_weight(std::span<const Candidate> candidates);
  double& share_of(std::uint32_t id);

  config::Balance balance_;
  std::minstd_rand random_;
  std::vector<Share> shares_;  // of rr, by id
  std::size_t turn_ = 0;       // of least
};

}  // namespace roundhouse::upstream
