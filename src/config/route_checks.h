// Routes: what is filled in, what is wrong with them, and what is hardly meant.
#pragma once

#include "config/options.h"
#include "config/provenance.h"
#include "config/report.h"

namespace roundhouse::config {

// A name for each; hosts in lower case; and one for everything where there are no routes and one
// upstream.
void derive_routes(Configuration& configuration, Provenance& provenance);

// What is wrong. REQUIRES: derive_routes() before.
void check_routes(const Configuration& configuration, Report& report);

// Routes that never match, since one before them matches all that they do.
void doubt_routes(const Configuration& configuration, Report& report);

}  // namespace roundhouse::config
