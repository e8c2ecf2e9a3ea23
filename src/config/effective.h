// The configuration as one process of ours hands it to another, in a sealed memfd: complete,
// unmasked, cheap to read.
//
// Lines of tab-separated, backslash-escaped fields, made from the table of options: a version, then
// for the whole configuration and each listener, pool, route and upstream its beginning, with its
// rows (config/rows.h), and each value that is not the default.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "config/options.h"

namespace roundhouse::config {

std::string to_effective_text(const Configuration& configuration);

// Gives back exactly what was written. Error: the text is not from this version of the program.
Result<Configuration> from_effective_text(std::string_view text);

}  // namespace roundhouse::config
