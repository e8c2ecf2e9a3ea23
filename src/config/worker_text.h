// What of a configuration the workers of a pool go by: where that is the same in another one, they
// need not be replaced.
#pragma once

#include <string>

#include "config/options.h"

namespace roundhouse::config {

// Its workers are given the configuration and read it: built-in ones, and native programs.
bool reads_configuration(const Pool& pool);

// How long one of its workers may drain when another serves in its place.
Duration drain_time(const Pool& pool);

// As text. That there are more or fewer of them is nothing to those that stay; what the edge alone
// goes by is nothing to programs that do not read the configuration.
std::string worker_text(const Configuration& configuration, const Pool& pool);

}  // namespace roundhouse::config
