// What a listener listens on, and what of it the workers of its pool get.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "config/options.h"
#include "edge/acceptor.h"
#include "edge/pool.h"

namespace roundhouse::edge {

// Error: "bind 0.0.0.0:443: Permission denied".
Result<Acceptor::Sockets> bind_sockets(const config::Listener& listener, const config::Pool& pool);

// As bound, ", " between them.
std::string joined_addresses(const Acceptor::Sockets& sockets);

// Adds what the workers of the pool accept from by themselves.
void choose_inherited(std::uint32_t listener, const Acceptor::Sockets& sockets,
                      const config::Pool& pool, Pool::Setting& setting);

}  // namespace roundhouse::edge
