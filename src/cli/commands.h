// The commands other than `run`: those about a configuration, and those for a running instance.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command_line.h"
#include "config/loader.h"

namespace roundhouse::cli {

// What `run` with the same words would load.
Result<config::Loaded> load_configuration(const CommandLine& line,
                                          const config::Surroundings& surroundings);
// kConfiguration with every error, or one line that says what the file sets up.
Outcome check(const CommandLine& line, const config::Surroundings& surroundings);
// The effective configuration as YAML.
Outcome explain(const CommandLine& line, const config::Surroundings& surroundings);
// What the build keeps in the repository: config-schema, config-reference or failures-reference.
Outcome generate(const CommandLine& line);

// For a running instance, found by line.socket or in `folders` (config::control_folders). kFailure
// if there is none.

// Its workers as a table, or the API's JSON as it is.
Outcome status(const CommandLine& line, const std::vector<std::string>& folders);
// The lines of its programs, each given to `print` as it comes. With line.follow until the instance
// has gone.
Outcome logs(const CommandLine& line, const std::vector<std::string>& folders,
             const std::function<void(std::string_view)>& print);
// kOk if every pool has a ready worker.
Outcome health(const CommandLine& line, const std::vector<std::string>& folders);
// Asks it to drain and stop, and returns when it has.
Outcome stop(const CommandLine& line, const std::vector<std::string>& folders);

}  // namespace roundhouse::cli
