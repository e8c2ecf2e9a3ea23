// `roundhouse import pm2`: an ecosystem file as a configuration of ours.
#pragma once

#include <functional>
#include <string>

#include "base/error.h"
#include "cli/command_line.h"
#include "config/loader.h"

namespace roundhouse::cli {

// What a JavaScript file exports, as JSON; whoever runs Node has it. Error: the operator's words.
using ScriptReader = std::function<Result<std::string>(const std::string& file)>;

// On standard output the configuration, which `check` accepts; what has no counterpart is a comment
// in it that names PM2's key and says what to do. What `check` would still refuse, for instance a
// launcher that has to be replaced, is said on standard error, and the code is kConfiguration.
// kUsage: the file is no ecosystem, or no app of it has this environment.
Outcome import_pm2(const CommandLine& line, const config::Surroundings& surroundings,
                   const ScriptReader& exports_of);

}  // namespace roundhouse::cli
