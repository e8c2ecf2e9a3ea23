// The effective configuration as YAML, each value with a comment that says where it came from.
#pragma once

#include <string>

#include "config/loader.h"
#include "config/option_table.h"

namespace roundhouse::config {

// A complete file: loaded in its turn it gives the same configuration, but for the values shown as
// *** (those of `env`, and all that came from a ${}).
std::string explain(const Loaded& loaded);

// The same of one in force, of which is not known where its values came from; of routes, what is
// not the default.
std::string explain_in_force(const Configuration& configuration);

// A value as YAML, *** if it is secret. REQUIRES: is_shown(items).
std::string shown_value(const Option& option, const Items& items, bool secret);
bool is_shown(const Items& items);

}  // namespace roundhouse::config
