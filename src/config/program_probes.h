// How a program is asked over HTTP whether it is ready, and whether it is well: `ready.path` and
// `liveness.path` of a pool.
#pragma once

#include <string_view>

#include "config/options.h"
#include "config/provenance.h"
#include "config/report.h"

namespace roundhouse::config {

// The keys of a pool that only they have, those of `ready` aside.
bool is_of_probes(std::string_view key);

// Whether workers of this pool are asked anything.
bool asks(const Pool& pool);

// `ready.by` where there is a path, and the path where that is http.
void derive_probes(Pool& pool, Provenance& provenance);

void check_probes(const Configuration& configuration, const Pool& pool, Report& report);

}  // namespace roundhouse::config
