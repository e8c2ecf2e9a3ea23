// The endpoint board as the edge makes it: the servers of the configuration, each well, and
// rows for the workers of pools that are upstreams. What a board before it held of the same
// upstreams stays in its rows: health, and what was found by name.
#pragma once

#include "base/error.h"
#include "config/options.h"
#include "ipc/endpoint_board.h"

namespace roundhouse::edge {

// No board where there are no upstreams. `before`: that of the configuration `previous`; none at
// the start.
Result<ipc::EndpointBoard> create_endpoint_board(const config::Configuration& configuration,
                                                 const ipc::EndpointBoard& before,
                                                 const config::Configuration& previous);

// Counts and health of those that both have. Nobody writes either meanwhile.
void carry_endpoint_counts(const ipc::EndpointBoard& before, const ipc::EndpointBoard& now);

}  // namespace roundhouse::edge
