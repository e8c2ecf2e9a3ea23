// What a reload would do to a running instance, found without asking it to. Pure.
//
// Which workers are replaced, which sockets can become which, and what takes a new start is decided
// by the functions that the edge decides it with (worker_text.h, socket_change.h, rows.h,
// new_start.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/comparable.h"

namespace roundhouse::config {

struct Difference {
  struct Change {
    std::string key;
    std::string before;  // empty: it is not set, as is:
    std::string after;
  };
  struct PoolEffect {
    enum class Kind : std::uint8_t { kStays, kInPlace, kReplaced, kScaled, kNew, kRemoved };
    std::string name;
    Kind kind{};
    std::uint32_t before = 0;  // workers
    std::uint32_t after = 0;
    bool together = false;
    std::vector<std::string> because;  // keys, of kReplaced and kInPlace
  };
  struct SocketEffect {
    enum class Kind : std::uint8_t { kStays, kAdded, kRemoved };
    std::string address;
    Kind kind{};
    std::string listener;  // of the configuration that has it, the next if both have
  };
  struct Refusal {
    std::string key;  // where it stands
    std::string what;
  };
  std::vector<Change> changes;
  std::vector<PoolEffect> pools;
  std::vector<SocketEffect> sockets;
  std::vector<Refusal> refusals;

  bool nothing() const;
};

std::string_view to_string(Difference::PoolEffect::Kind kind);
std::string_view to_string(Difference::SocketEffect::Kind kind);

// `next` is settled as the instance would settle it, and has its key.
Difference difference(const Comparable& running, const Comparable& next);

}  // namespace roundhouse::config
