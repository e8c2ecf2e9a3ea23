// The commands that change a running instance: reload, restart, scale.
#pragma once

#include <string>
#include <vector>

#include "cli/command_line.h"

namespace roundhouse::cli {

// Asks for it and waits until it is done. kConfiguration if it was refused, with every error;
// kFailure if it was begun and taken back, or the edge did not take it.
Outcome operate(const CommandLine& line, const std::vector<std::string>& folders);

}  // namespace roundhouse::cli
