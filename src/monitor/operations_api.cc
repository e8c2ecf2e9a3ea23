#include "monitor/operations_api.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/json.h"
#include "ipc/operation.h"

namespace roundhouse::monitor {
namespace {

constexpr std::string_view kReload = "/api/v1/reload";
constexpr std::string_view kRestart = "/api/v1/restart";
constexpr std::string_view kPools = "/api/v1/pools/";

// The words behind /api/v1/pools/: NAME restart, NAME workers ID restart, NAME scale.
std::vector<std::string_view> words_of(std::string_view path) {
  std::vector<std::string_view> words;
  if (!path.starts_with(kPools)) return words;
  path.remove_prefix(kPools.size());
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    words.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

Asked refused(int status, std::string why) {
  return {.command = std::nullopt, .status = status, .why = std::move(why)};
}

constexpr std::uint32_t kMostWorkers = 1024;  // as in a file

Asked scale(ipc::CommandMessage command, std::string_view body) {
  const auto json = parse_json(body);
  if (!json || !json->is_object()) return refused(400, "the body is no JSON object");
  if (!json->contains("workers") || !(*json)["workers"].is_number_integer())
    return refused(422, "workers: is not there or no number; expected {\"workers\": N}");
  const auto workers = (*json)["workers"].get<std::int64_t>();
  if (workers < 1 || workers > kMostWorkers)
    return refused(422, "workers: " + std::to_string(workers) + " is out of range; expected 1 to " +
                            std::to_string(kMostWorkers));
  command.command = ipc::Command::kScale;
  command.number = static_cast<std::uint32_t>(workers);
  return {.command = command};
}

}  // namespace

bool is_operation(std::string_view path) {
  if (path == kReload || path == kRestart) return true;
  const auto words = words_of(path);
  return (words.size() == 2 && (words[1] == "restart" || words[1] == "scale")) ||
         (words.size() == 4 && words[1] == "workers" && words[3] == "restart");
}

Asked command_of(std::string_view path, std::string_view body, const metrics::Snapshot& snapshot) {
  ipc::CommandMessage command{};
  command.command = path == kReload ? ipc::Command::kReload : ipc::Command::kRestart;
  command.pool = ipc::kAllPools;
  if (path == kReload || path == kRestart) return {.command = command};
  const auto words = words_of(path);
  const auto pool = std::ranges::find(
      snapshot.pools, words[0],
      [](const metrics::PoolValues& values) { return std::string_view(values.layout.name); });
  if (pool == snapshot.pools.end())
    return refused(404, "there is no pool '" + std::string(words[0]) + "'");
  command.pool = static_cast<std::uint32_t>(pool - snapshot.pools.begin());
  if (words[1] == "scale") return scale(command, body);
  if (words.size() == 2) return {.command = command};
  const auto id = number(words[2]);
  const bool known = id && std::ranges::any_of(pool->workers, [&](const auto& worker) {
                       return worker.id == *id && !worker.left;
                     });
  if (!known)
    return refused(404,
                   "pool " + pool->layout.name + " has no worker '" + std::string(words[2]) + "'");
  command.worker = *id;
  return {.command = command};
}

}  // namespace roundhouse::monitor
