#include "cli/diff.h"

#include <algorithm>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/control_client.h"
#include "cli/table.h"
#include "config/report.h"
#include "config/settle.h"

namespace roundhouse::cli {
namespace {

using config::Difference;
using PoolKind = Difference::PoolEffect::Kind;
using SocketKind = Difference::SocketEffect::Kind;

constexpr std::size_t kKeysShown = 4;

std::string counted(std::uint32_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string listed(const std::vector<std::string>& keys) {
  std::string text;
  for (std::size_t i = 0; i < std::min(keys.size(), kKeysShown); ++i)
    text += (i == 0 ? "" : ", ") + keys[i];
  if (keys.size() > kKeysShown)
    text += " and " + std::to_string(keys.size() - kKeysShown) + " more";
  return text;
}

std::string effect_text(const Difference::PoolEffect& pool) {
  switch (pool.kind) {
    case PoolKind::kStays:
      return "stays as it is";
    case PoolKind::kInPlace:
      return "its workers stay, what the edge goes by changes";
    case PoolKind::kReplaced:
      return counted(pool.after, "new worker") +
             (pool.together ? ", started all at once, in place of "
                            : ", one after the other, in place of ") +
             std::to_string(pool.before) + ", for " + listed(pool.because);
    case PoolKind::kScaled:
      return pool.after > pool.before
                 ? counted(pool.after - pool.before, "more worker") + ", the others stay"
                 : counted(pool.before - pool.after, "worker") + " fewer, the others stay";
    case PoolKind::kNew:
      return "is new, with " + counted(pool.after, "worker");
    case PoolKind::kRemoved:
      return "is removed, its " + counted(pool.before, "worker") +
             (pool.before == 1 ? " drains" : " drain");
  }
  return "";
}

std::string effect_text(const Difference::SocketEffect& socket) {
  switch (socket.kind) {
    case SocketKind::kStays:
      return "stays open, listener " + socket.listener;
    case SocketKind::kAdded:
      return "is opened, listener " + socket.listener;
    case SocketKind::kRemoved:
      return "is closed, was listener " + socket.listener;
  }
  return "";
}

std::string or_unset(const std::string& value) { return value.empty() ? "(unset)" : value; }

// What is not shown, or not whole, looks the same on both sides.
std::string change_text(const Difference::Change& change) {
  if (change.before == change.after) return change.before + " (another value)";
  return or_unset(change.before) + " -> " + or_unset(change.after);
}

// In a sentence.
std::string verdict(const Difference& difference) {
  if (!difference.refusals.empty()) return "a reload is refused:";
  if (difference.nothing()) return "nothing to do: that is what is in force";
  const auto is_served = [](const auto& pool) {
    return pool.kind == PoolKind::kStays || pool.kind == PoolKind::kInPlace;
  };
  return std::ranges::all_of(difference.pools, is_served)
             ? "a reload changes this, and replaces no worker:"
             : "a reload changes this:";
}

Outcome trouble(std::string message) { return {ExitCode::kSystem, "", std::move(message) + "\n"}; }

struct Running {
  std::string origin;
  config::Comparable comparable;
};

Result<Running> ask(const CommandLine& line, const std::vector<std::string>& folders) {
  const auto instance = TRY(find_instance(line.socket, folders));
  const Reply reply = TRY(request(instance.socket, "GET", "/api/v1/configuration"));
  const auto json = parse_json(reply.body);
  if (reply.status != 200 || !json || !json->is_object() || !json->contains("comparable"))
    return fail(instance.socket + ": " + std::to_string(reply.status) +
                ": it does not tell its configuration");
  Running running{.origin = "", .comparable = TRY(config::comparable_from((*json)["comparable"]))};
  if (json->contains("origin") && (*json)["origin"].is_string())
    running.origin = (*json)["origin"].get<std::string>();
  return running;
}

}  // namespace

std::string difference_text(const Difference& difference, const PlaceOf& place_of) {
  std::string text = verdict(difference) + "\n";
  for (const auto& refusal : difference.refusals)
    text += "  " + place_of(refusal.key) + ": " + refusal.key + ": " + refusal.what + "\n";
  if (difference.nothing()) return text;
  Table changes({{""}, {""}});
  for (const auto& change : difference.changes) changes.add({change.key, change_text(change)});
  Table pools({{""}, {""}});
  for (const auto& pool : difference.pools) pools.add({"pool " + pool.name, effect_text(pool)});
  Table sockets({{""}, {""}});
  for (const auto& socket : difference.sockets) sockets.add({socket.address, effect_text(socket)});
  for (const Table* table : {&changes, &pools, &sockets}) {
    const std::string lines = table->text(2);
    const auto end_of_titles = lines.find('\n');
    if (end_of_titles + 1 < lines.size())
      text += lines.substr(end_of_titles);  // an empty line first
  }
  return text;
}

Json difference_json(const Difference& difference, const PlaceOf& place_of) {
  Json json{{"nothing", difference.nothing()},
            {"refusals", Json::array()},
            {"changes", Json::array()},
            {"pools", Json::array()},
            {"sockets", Json::array()}};
  for (const auto& one : difference.refusals)
    json["refusals"].push_back({{"key", one.key}, {"place", place_of(one.key)}, {"why", one.what}});
  const auto value = [](const std::string& text) {
    return text.empty() ? Json(nullptr) : Json(text);
  };
  for (const auto& one : difference.changes)
    json["changes"].push_back(
        {{"key", one.key}, {"before", value(one.before)}, {"after", value(one.after)}});
  for (const auto& one : difference.pools)
    json["pools"].push_back({{"name", one.name},
                             {"effect", to_string(one.kind)},
                             {"workers_before", one.before},
                             {"workers_after", one.after},
                             {"because", one.because}});
  for (const auto& one : difference.sockets)
    json["sockets"].push_back(
        {{"address", one.address}, {"effect", to_string(one.kind)}, {"listener", one.listener}});
  return json;
}

Outcome diff(const CommandLine& line, const config::Surroundings& surroundings,
             const std::vector<std::string>& folders, const std::function<bool()>& can_rotate) {
  auto loaded = load_configuration(line, surroundings);
  if (!loaded) return Outcome::of(loaded.error());
  const auto running = ask(line, folders);
  if (!running) return trouble(running.error().message);
  config::Configuration& next = loaded->configuration;
  const config::Rotation rotation = config::rotation_of(running->comparable);
  const bool rotates = rotation == config::Rotation::kUnknown
                           ? !config::wants_kernel_rotation(next) || can_rotate()
                           : rotation == config::Rotation::kWorks;
  if (!rotates) config::replace_kernel_rotation(next);
  const Difference found =
      config::difference(running->comparable, config::comparable(next, running->comparable.key));
  const PlaceOf place = [&](const std::string& key) {
    return config::place_of(loaded->provenance, loaded->file, key);
  };
  const ExitCode code = !found.refusals.empty() ? ExitCode::kConfiguration
                        : found.nothing()       ? ExitCode::kOk
                                                : ExitCode::kFailure;
  if (!line.json) return {code, difference_text(found, place), ""};
  Json json = difference_json(found, place);
  json["origin"] = running->origin;
  return {code, to_text(json, 2) + "\n", ""};
}

}  // namespace roundhouse::cli
