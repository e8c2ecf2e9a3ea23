// Options that are used before anything else is, or by what is not started anew: a reload that
// changes one is refused.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "config/options.h"

namespace roundhouse::config {

inline constexpr std::array<std::string_view, 3> kForANewStart = {"monitor.bind", "monitor.socket",
                                                                  "user"};

// Those that differ.
std::vector<std::string_view> keys_for_a_new_start(const Configuration& before,
                                                   const Configuration& next);

}  // namespace roundhouse::config
