// `roundhouse top`: the workers of the running instance, live, on a terminal.
#pragma once

#include <string>
#include <vector>

#include "cli/command_line.h"

namespace roundhouse::cli {

// Until `q` or a signal; the terminal is then as it was before. kUsage: standard input or output is
// no terminal that can show it. An instance that goes away is waited for.
Outcome top(const CommandLine& line, const std::vector<std::string>& folders);

}  // namespace roundhouse::cli
