// The header of the PROXY protocol that opens a connection to an endpoint.
#pragma once

#include <string>

#include "base/address.h"
#include "config/proxy_options.h"
#include "ipc/messages.h"

namespace roundhouse::proxy {

inline bool opens_with_header(const config::Upstream& upstream) {
  return upstream.proxy_protocol != config::ProxyHeader::kOff;
}

// Of the client that has connected to `destination`, whatever fields its request has. REQUIRES:
// opens_with_header(upstream).
std::string proxy_header_for(const config::Upstream& upstream, const ipc::ConnectionInfo& client,
                             const Address& destination);

}  // namespace roundhouse::proxy
