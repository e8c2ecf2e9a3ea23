// The effective configuration as YAML, each value with a comment that says where it came from.
#pragma once

#include <string>

#include "config/loader.h"

namespace roundhouse::config {

// A complete file: loaded in its turn it gives the same configuration, but for the values shown as
// *** (those of `env`, and all that came from a ${}).
std::string explain(const Loaded& loaded);

}  // namespace roundhouse::config
