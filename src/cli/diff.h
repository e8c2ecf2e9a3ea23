// `roundhouse diff`: what a reload with a file would do to the running instance.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "config/difference.h"
#include "config/loader.h"

namespace roundhouse::cli {

// kOk: nothing. kFailure: something, and it would be done. kConfiguration: the file is wrong, or
// the reload would be refused. kSystem: no instance answers. `can_rotate` is asked where the
// instance does not tell whether policy rr_kernel is possible.
Outcome diff(const CommandLine& line, const config::Surroundings& surroundings,
             const std::vector<std::string>& folders, const std::function<bool()>& can_rotate);

// Where the value of a key stands.
using PlaceOf = std::function<std::string(const std::string& key)>;
std::string difference_text(const config::Difference& difference, const PlaceOf& place_of);
Json difference_json(const config::Difference& difference, const PlaceOf& place_of);

}  // namespace roundhouse::cli
