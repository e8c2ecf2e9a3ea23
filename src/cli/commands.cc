#include "cli/commands.h"

#include "base/clock.h"
#include "base/json.h"
#include "cli/control_client.h"
#include "cli/status_view.h"
#include "cli/table.h"
#include "config/explain.h"
#include "config/locate.h"
#include "config/schema.h"
#include "http/failure_reference.h"

namespace roundhouse::cli {
namespace {

Outcome failure(std::string message) { return {ExitCode::kFailure, "", std::move(message) + "\n"}; }

// A reply that is not what was asked for.
Outcome unexpected(const config::Instance& instance, const Reply& reply) {
  const auto json = parse_json(reply.body);
  const bool says_why = json && json->is_object() && json->contains("error");
  return failure(
      instance.socket + ": " + std::to_string(reply.status) + ": " +
      (says_why ? to_text((*json)["error"]) : reply.body.substr(0, reply.body.find('\n'))));
}

// How long a stop may take at the most: the delay and the deadline of a configuration have their
// limits.
constexpr Duration kStopWithin = std::chrono::minutes(75);

std::string counted(std::size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

}  // namespace

Result<config::Loaded> load_configuration(const CommandLine& line,
                                          const config::Surroundings& surroundings) {
  const config::Location location =
      line.overrides.command.empty() ? config::locate_configuration(line.file) : config::Location();
  return location.path.empty() ? config::load_defaults(line.overrides, surroundings)
                               : config::load_file(location.path, line.overrides, surroundings);
}

Outcome check(const CommandLine& line, const config::Surroundings& surroundings) {
  const auto loaded = load_configuration(line, surroundings);
  if (!loaded) return Outcome::of(loaded.error());
  std::size_t workers = 0;
  for (const config::Pool& pool : loaded->configuration.pools) workers += pool.workers;
  const config::Configuration& configuration = loaded->configuration;
  std::string text = (loaded->file.empty() ? "no configuration file, the default" : loaded->file) +
                     ": valid: " + counted(configuration.listeners.size(), "listener") + ", " +
                     counted(configuration.pools.size(), "pool") + ", " +
                     counted(workers, "worker");
  if (!configuration.routes.empty()) text += ", " + counted(configuration.routes.size(), "route");
  if (!configuration.upstreams.empty())
    text += ", " + counted(configuration.upstreams.size(), "upstream");
  std::string warnings;
  for (const std::string& warning : loaded->warnings) warnings += "warning: " + warning + "\n";
  return {ExitCode::kOk, text + "\n", warnings};
}

Outcome explain(const CommandLine& line, const config::Surroundings& surroundings) {
  const auto loaded = load_configuration(line, surroundings);
  if (!loaded) return Outcome::of(loaded.error());
  return {ExitCode::kOk, config::explain(*loaded), ""};
}

Outcome generate(const CommandLine& line) {
  if (line.subject == "config-schema") return {ExitCode::kOk, config::to_schema(), ""};
  if (line.subject == "failures-reference") return {ExitCode::kOk, http::failure_reference(), ""};
  if (line.subject == "config-reference") return {ExitCode::kOk, config::to_reference(), ""};
  return {ExitCode::kUsage, "",
          "roundhouse: cannot generate '" + line.subject +
              "'\nusage: " + usage(Command::kGenerate) + "\n"};
}

Outcome status(const CommandLine& line, const std::vector<std::string>& folders) {
  const auto instance = find_instance(line.socket, folders);
  if (!instance) return Outcome::of(instance.error());
  const auto reply = request(instance->socket, "GET", "/api/v1/status");
  if (!reply) return Outcome::of(reply.error());
  if (reply->status != 200) return unexpected(*instance, *reply);
  if (line.json && line.subject.empty()) return {ExitCode::kOk, reply->body, ""};
  const auto json = parse_json(reply->body);
  if (!json) return failure(instance->socket + ": what answers is not a roundhouse");
  if (line.subject.empty()) return {ExitCode::kOk, status_text(*json, wall_clock_seconds()), ""};
  if (line.json) {
    const auto part = status_json_of(*json, line.subject);
    return part ? Outcome{ExitCode::kOk, to_text(*part) + "\n", ""} : Outcome::of(part.error());
  }
  const auto text = status_text_of(*json, line.subject, wall_clock_seconds());
  return text ? Outcome{ExitCode::kOk, *text, ""} : Outcome::of(text.error());
}

Outcome health(const CommandLine& line, const std::vector<std::string>& folders) {
  const auto instance = find_instance(line.socket, folders);
  if (!instance) return Outcome::of(instance.error());
  const auto reply = request(instance->socket, "GET", "/readyz");
  if (!reply) return Outcome::of(reply.error());
  if (reply->status == 200) return {ExitCode::kOk, reply->body, ""};
  return {ExitCode::kFailure, "", reply->body};
}

Outcome stop(const CommandLine& line, const std::vector<std::string>& folders) {
  const auto instance = find_instance(line.socket, folders);
  if (!instance) return Outcome::of(instance.error());
  const Time begin = Clock::now();
  const auto reply = request(instance->socket, "POST", "/api/v1/stop");
  if (!reply) return Outcome::of(reply.error());
  if (reply->status != 202) return unexpected(*instance, *reply);
  const std::string edge = "edge " + std::to_string(instance->pid);
  if (!wait_for_end(instance->pid, kStopWithin))
    return {ExitCode::kOk, edge + " is stopping\n", ""};
  return {ExitCode::kOk,
          edge + " has stopped, after " + short_duration(seconds(Clock::now() - begin)) + "\n", ""};
}

}  // namespace roundhouse::cli
