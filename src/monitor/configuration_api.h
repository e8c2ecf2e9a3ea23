// GET /api/v1/configuration: what is in force, for whoever wants to see it or compare it.
#pragma once

#include "base/json.h"
#include "config/options.h"
#include "metrics/snapshot.h"
#include "monitor/status.h"

namespace roundhouse::monitor {

// Its secrets are masked in what is shown, and fingerprints with a new key in what is compared. The
// latter, and where the file is, is told to an operator alone.
Json configuration_of(const config::Configuration& configuration, const metrics::Snapshot& snapshot,
                      Viewer viewer);

}  // namespace roundhouse::monitor
