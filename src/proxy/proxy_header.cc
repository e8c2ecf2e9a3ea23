#include "proxy/proxy_header.h"

#include "net/proxy_header.h"

namespace roundhouse::proxy {

std::string proxy_header_for(const config::Upstream& upstream, const ipc::ConnectionInfo& client,
                             const Address& destination) {
  const Address source = ipc::peer_of(client);
  return upstream.proxy_protocol == config::ProxyHeader::kV1 ? proxy_header_v1(source, destination)
                                                             : proxy_header_v2(source, destination);
}

}  // namespace roundhouse::proxy
