// The endpoint board as the edge makes it: the servers of the configuration, each well, and
// rows for the workers of pools that are upstreams.
#pragma once

#include "base/error.h"
#include "config/options.h"
#include "ipc/endpoint_board.h"

namespace roundhouse::edge {

// No board where there are no upstreams.
Result<ipc::EndpointBoard> create_endpoint_board(const config::Configuration& configuration);

}  // namespace roundhouse::edge
