#include "config/difference.h"

#include <algorithm>
#include <set>
#include <utility>

#include "config/new_start.h"
#include "config/rows.h"
#include "config/socket_change.h"

namespace roundhouse::config {
namespace {

using Kind = Difference::PoolEffect::Kind;

class Differing {
 public:
  Differing(const Comparable& running, const Comparable& next) : running_(running), next_(next) {}

  Difference take() {
    compare_settings();
    for (const Comparable::Pool& pool : next_.pools) compare_pool(pool);
    for (const Comparable::Pool& pool : running_.pools) {
      if (next_.find_pool(pool.name) == nullptr)
        result_.pools.push_back(
            {.name = pool.name, .kind = Kind::kRemoved, .before = pool.wanted, .because = {}});
    }
    compare_sockets();
    return std::move(result_);
  }

 private:
  void compare_settings();
  void compare_pool(const Comparable::Pool& next);
  void compare_sockets();
  void check_socket(const Comparable::Socket& next);
  bool is_changed_below(const std::string& path) const;
  std::size_t queues_at(const Comparable::Socket& socket, const Comparable& of) const;

  const Comparable& running_;
  const Comparable& next_;
  Difference result_;
};

void Differing::compare_settings() {
  std::map<std::string_view, const Comparable::Setting*> before;
  for (const auto& one : running_.settings) before[one.key] = &one;
  for (const auto& one : next_.settings) {
    const auto found = before.find(one.key);
    if (found == before.end()) {
      result_.changes.push_back({.key = one.key, .before = "", .after = one.shown});
      continue;
    }
    if (found->second->fingerprint != one.fingerprint)
      result_.changes.push_back(
          {.key = one.key, .before = found->second->shown, .after = one.shown});
    before.erase(found);
  }
  for (const auto& one : running_.settings) {
    if (before.contains(one.key))
      result_.changes.push_back({.key = one.key, .before = one.shown, .after = ""});
  }
  for (const auto& change : result_.changes) {
    if (std::ranges::find(kForANewStart, change.key) != kForANewStart.end())
      result_.refusals.push_back({change.key, "it changes only by a new start"});
  }
}

bool Differing::is_changed_below(const std::string& path) const {
  return std::ranges::any_of(
      result_.changes, [&](const auto& change) { return change.key.starts_with(path + "."); });
}

// What is in one only, or another in the other.
std::vector<std::string> differing_keys(const std::map<std::string, std::string>& one,
                                        const std::map<std::string, std::string>& other) {
  std::set<std::string> keys;
  for (const auto& [from, in] : {std::pair(&one, &other), std::pair(&other, &one)}) {
    for (const auto& [key, fingerprint] : *from) {
      const auto found = in->find(key);
      if (found == in->end() || found->second != fingerprint) keys.insert(key);
    }
  }
  return {keys.begin(), keys.end()};
}

void Differing::compare_pool(const Comparable::Pool& next) {
  Difference::PoolEffect effect{
      .name = next.name, .kind = Kind::kNew, .after = next.workers, .together = next.together};
  const std::string path = "pools." + next.name;
  if (const auto* before = running_.find_pool(next.name); before != nullptr) {
    effect.before = before->wanted;
    if (before->fingerprint != next.fingerprint) {
      effect.kind = Kind::kReplaced;
      effect.because = differing_keys(before->goes_by, next.goes_by);
      if (effect.because.empty()) effect.because = {"routes"};  // all the same, in another order
    } else if (before->wanted != next.workers) {
      effect.kind = Kind::kScaled;
    } else {
      effect.kind = is_changed_below(path) ? Kind::kInPlace : Kind::kStays;
    }
    const std::string why = lack_of_room(next.workers, next.rows.seats, before->rows);
    if (!why.empty())
      result_.refusals.push_back({path + ".workers", "pool " + next.name + " " + why});
  }
  result_.pools.push_back(std::move(effect));
}

std::size_t Differing::queues_at(const Comparable::Socket& socket, const Comparable& of) const {
  const Comparable::Pool* const pool = of.find_pool(socket.pool);
  if (!socket.in_kernel || pool == nullptr) return 0;
  const Comparable::Pool* const before = running_.find_pool(socket.pool);
  return queues_of(pool->foreign, pool->workers, before == nullptr ? pool->rows : before->rows);
}

// One that there is already, here or at another listener that gives it away.
void Differing::check_socket(const Comparable::Socket& next) {
  const auto same_address = [&](const auto& one) { return one.address == next.address; };
  const auto here = [&](const auto& one) {
    return same_address(one) && one.listener == next.listener;
  };
  auto before = std::ranges::find_if(running_.sockets, here);
  if (before == running_.sockets.end())
    before = std::ranges::find_if(running_.sockets, same_address);
  const Comparable::Pool* const now = next_.find_pool(next.pool);
  const Comparable::Pool* const then = running_.find_pool(before->pool);
  const std::string_view why = refusal_of_change(
      {.queues = queues_at(*before, running_), .foreign = then != nullptr && then->foreign},
      {.queues = queues_at(next, next_),
       .foreign = now != nullptr && now->foreign,
       .same_listener = before->listener == next.listener});
  if (!why.empty())
    result_.refusals.push_back(
        {"listeners." + next.listener + ".bind", next.address + ": " + std::string(why)});
}

void Differing::compare_sockets() {
  using SocketKind = Difference::SocketEffect::Kind;
  const auto has = [](const Comparable& one, const std::string& address) {
    return std::ranges::find(one.sockets, address, &Comparable::Socket::address) !=
           one.sockets.end();
  };
  for (const auto& socket : next_.sockets) {
    const bool stays = has(running_, socket.address);
    result_.sockets.push_back({.address = socket.address,
                               .kind = stays ? SocketKind::kStays : SocketKind::kAdded,
                               .listener = socket.listener});
    if (stays) check_socket(socket);
  }
  for (const auto& socket : running_.sockets) {
    if (!has(next_, socket.address))
      result_.sockets.push_back(
          {.address = socket.address, .kind = SocketKind::kRemoved, .listener = socket.listener});
  }
}

}  // namespace

bool Difference::nothing() const {
  return changes.empty() && refusals.empty() &&
         std::ranges::all_of(pools, [](const auto& one) { return one.kind == Kind::kStays; });
}

std::string_view to_string(Difference::PoolEffect::Kind kind) {
  switch (kind) {
    case Kind::kStays:
      return "stays";
    case Kind::kInPlace:
      return "in_place";
    case Kind::kReplaced:
      return "replaced";
    case Kind::kScaled:
      return "scaled";
    case Kind::kNew:
      return "new";
    case Kind::kRemoved:
      return "removed";
  }
  return "";
}

std::string_view to_string(Difference::SocketEffect::Kind kind) {
  switch (kind) {
    case Difference::SocketEffect::Kind::kStays:
      return "stays";
    case Difference::SocketEffect::Kind::kAdded:
      return "added";
    case Difference::SocketEffect::Kind::kRemoved:
      return "removed";
  }
  return "";
}

Difference difference(const Comparable& running, const Comparable& next) {
  return Differing(running, next).take();
}

}  // namespace roundhouse::config
