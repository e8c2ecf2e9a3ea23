#include "cli/commands.h"

#include "config/explain.h"
#include "config/locate.h"
#include "config/schema.h"

namespace roundhouse::cli {
namespace {

Result<config::Loaded> load(const CommandLine& line, const config::Surroundings& surroundings) {
  const config::Location location = config::locate_configuration(line.file);
  return location.path.empty() ? config::load_defaults(line.overrides, surroundings)
                               : config::load_file(location.path, line.overrides, surroundings);
}

std::string counted(std::size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

}  // namespace

Outcome check(const CommandLine& line, const config::Surroundings& surroundings) {
  const auto loaded = load(line, surroundings);
  if (!loaded) return Outcome::of(loaded.error());
  std::size_t workers = 0;
  for (const config::Pool& pool : loaded->configuration.pools) workers += pool.workers;
  return {ExitCode::kOk,
          (loaded->file.empty() ? "no configuration file, the default" : loaded->file) +
              ": valid: " + counted(loaded->configuration.listeners.size(), "listener") + ", " +
              counted(loaded->configuration.pools.size(), "pool") + ", " +
              counted(workers, "worker") + "\n",
          ""};
}

Outcome explain(const CommandLine& line, const config::Surroundings& surroundings) {
  const auto loaded = load(line, surroundings);
  if (!loaded) return Outcome::of(loaded.error());
  return {ExitCode::kOk, config::explain(*loaded), ""};
}

Outcome generate(const CommandLine& line) {
  if (line.subject == "config-schema") return {ExitCode::kOk, config::to_schema(), ""};
  if (line.subject == "config-reference") return {ExitCode::kOk, config::to_reference(), ""};
  return {ExitCode::kUsage, "",
          "roundhouse: cannot generate '" + line.subject +
              "'\nusage: " + usage(Command::kGenerate) + "\n"};
}

}  // namespace roundhouse::cli
