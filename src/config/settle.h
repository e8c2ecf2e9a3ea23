// What of a configuration depends on the process and the machine that run it, and is decided at the
// start. Where a value becomes another, its key is put into Configuration::settled.
#pragma once

#include <string>

#include "config/options.h"

namespace roundhouse::config {

bool wants_kernel_rotation(const Configuration& configuration);
// For where it is not possible: rr, or none for programs that can be given nothing.
void replace_kernel_rotation(Configuration& configuration);

// Where the operator gave none: `key_for` has one for each name of an upstream.
template <typename KeyFor>
void settle_sticky_keys(Configuration& configuration, KeyFor key_for) {
  for (Upstream& upstream : configuration.upstreams) {
    if (upstream.sticky.key != "auto") continue;
    upstream.sticky.key = key_for(upstream.name);
    configuration.settled.push_back("upstreams." + upstream.name + ".sticky.key");
  }
}

// "auto" again, where one came from there: nobody is to see it, and it stays what it is as long as
// the file says so.
void hide_sticky_keys(Configuration& configuration);

}  // namespace roundhouse::config
