// A real instance with a tcp listener before some servers.
#pragma once

#include <string>
#include <vector>

#include "support/instance.h"
#include "support/proxied.h"
#include "support/tcp_origin.h"

namespace roundhouse::test {

inline const std::string kTcp = "protocol: tcp";

struct ProxiedTcp : Instance {
  explicit ProxiedTcp(const std::vector<Address>& servers, const std::string& more = "",
                      const std::string& listener = kTcp, const std::string& pools = kOneProxy,
                      const std::string& also_bind = "")
      : Instance(pools, upstream_at(servers, more, "db"),
                 {.listener = listener, .also_bind = also_bind}) {}

  Stream connect() const { return Stream::connect(web()); }
  double of_endpoint(const std::string& name, const Address& server) const {
    return metric("roundhouse_upstream_" + name + "{upstream=\"db\",endpoint=\"" +
                  server.to_string() + "\"}");
  }
  bool fails(double times) const {
    return metric_reaches("roundhouse_listener_request_failures_total{listener=\"web\"}", times);
  }
};

inline std::string exchanged(Stream& stream, const std::string& bytes) {
  stream.send(bytes);
  return stream.receive(bytes.size());
}

}  // namespace roundhouse::test
