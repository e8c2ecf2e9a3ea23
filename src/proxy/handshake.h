// What became of the TLS handshake of a client's connection, and where it is counted.
#pragma once

#include <cstdint>

#include "ipc/slot.h"
#include "ipc/tls_outcome.h"
#include "net/transport.h"

namespace roundhouse::proxy {

// Of one that is over. REQUIRES: !client.is_plain().
ipc::TlsOutcome outcome_of_handshake(const Transport& client);
void count_handshake(ipc::Slot& slot, std::uint32_t listener, ipc::TlsOutcome outcome);

}  // namespace roundhouse::proxy
