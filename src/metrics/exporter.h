// A Snapshot as text for Prometheus (text format 0.0.4). The one door to prometheus-cpp.
//
// Pure. Names, kinds, labels and help come from metrics.def; a value that the snapshot does not
// have is left out.
#pragma once

#include <string>

#include "metrics/snapshot.h"

namespace roundhouse::metrics {

inline constexpr const char* kExpositionContentType = "text/plain; version=0.0.4; charset=utf-8";

std::string exposition(const Snapshot& snapshot);

}  // namespace roundhouse::metrics
