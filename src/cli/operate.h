// The commands that change a running instance: reload, restart, scale.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command_line.h"

namespace roundhouse::cli {

// For whoever waits: lines that say how far it is.
struct Progress {
  std::function<void(std::string_view)> say;
  bool at_once = false;  // a person looks on; else only of what takes longer than kQuietFor
};

// Asks for it and waits until it is done. kConfiguration if it was refused, with every error;
// kFailure if it was begun and taken back, or the edge did not take it.
Outcome operate(const CommandLine& line, const std::vector<std::string>& folders,
                const Progress& progress);

// "app", "app/3". Error, with kUsage: it can be neither.
Result<void> check_subject(const std::string& subject, bool may_be_worker);

}  // namespace roundhouse::cli
