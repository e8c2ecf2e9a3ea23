// The commands that need no running instance: check, explain, generate.
#pragma once

#include "cli/command_line.h"
#include "config/loader.h"

namespace roundhouse::cli {

// kConfiguration with every error, or one line that says what the file sets up.
Outcome check(const CommandLine& line, const config::Surroundings& surroundings);
// The effective configuration as YAML.
Outcome explain(const CommandLine& line, const config::Surroundings& surroundings);
// What the build keeps in the repository: config-schema or config-reference.
Outcome generate(const CommandLine& line);

}  // namespace roundhouse::cli
