// What TLS needs of the edge: the contents of files that workers may not read, and keys for
// tickets.
#pragma once

#include <functional>

#include "base/error.h"
#include "base/tls_ticket_key.h"
#include "config/options.h"
#include "ipc/tls_material.h"

namespace roundhouse::edge {

// How long a key seals new tickets; it opens them for as long again.
inline constexpr Duration kTicketKeyLife = std::chrono::hours(6);

// As bytes: nothing is looked at. Of all listeners and upstreams, with no ticket keys. Error:
// "listener web: reading site.key: Permission denied", with kConfiguration.
Result<ipc::TlsMaterial> read_tls_files(const config::Configuration& configuration);
// The part that the workers of a pool need.
ipc::TlsMaterial part_for_pool(const ipc::TlsMaterial& all,
                               const config::Configuration& configuration, std::string_view pool);
// The part that is no secret.
ipc::TlsMaterial part_for_all(const ipc::TlsMaterial& all);

TlsTicketKeys new_ticket_keys();
// The next one seals from now on.
void rotate(TlsTicketKeys& keys);

}  // namespace roundhouse::edge
