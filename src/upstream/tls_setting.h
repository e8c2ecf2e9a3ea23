// TLS to an upstream, as its configuration and the edge's material say: for workers, and for who
// asks endpoints whether they are well.
#pragma once

#include <memory>
#include <vector>

#include "base/error.h"
#include "config/options.h"
#include "ipc/tls_material.h"
#include "net/tls_client_context.h"

namespace roundhouse::upstream {

// By the index of the upstream; nullptr: it is spoken to in plain text.
using TlsContexts = std::vector<std::unique_ptr<TlsClientContext>>;

// Upstreams of the material that the configuration does not know, or not under TLS, are of a newer
// one and passed over. Error: "upstream site: no authority ...".
Result<TlsContexts> make_tls_contexts(const config::Configuration& configuration,
                                      const ipc::TlsMaterial& material);

}  // namespace roundhouse::upstream
