#include "config/proxy_protocol_rules.h"

#include <string>

#include "config/tls_rules.h"

namespace roundhouse::config {

bool is_used(const Listener& listener, std::string_view key) {
  const bool required = listener.proxy_protocol == ProxyProtocol::kRequire;
  if (key == "timeouts.handshake") return listener.tls.on() || required;
  if (key == "proxy_protocol_from") return required;
  return listener.tls.on() || !is_of_tls(key);
}

void check_proxy_protocol(const Configuration& configuration, const Listener& listener,
                          Report& report) {
  const std::string key = "listeners." + listener.name + ".proxy_protocol";
  const std::string from = key + "_from";
  if (report.is_refused(key) || report.is_refused(from)) return;
  if (listener.proxy_protocol == ProxyProtocol::kOff) {
    if (!listener.proxy_protocol_from.empty())
      report.add(from,
                 "is for listeners that expect a header; expected `proxy_protocol: require`, or no "
                 "such key");
    return;
  }
  if (listener.proxy_protocol_from.empty())
    report.add(key,
               "believes nobody; expected `proxy_protocol_from` with the networks of the balancers "
               "in front, as in [10.0.0.0/8]");
  const Pool* const pool = configuration.find_pool(listener.pool);
  if (pool != nullptr && pool->type == PoolType::kNative)
    report.add(key, "is read by built-in workers, and those of pool " + pool->name +
                        " are a program of type native; expected no such key");
}

void check_proxy_protocol(const Upstream& upstream, Report& report) {
  if (upstream.proxy_protocol == ProxyHeader::kOff) return;
  if (upstream.protocol == UpstreamProtocol::kHttp2)
    report.add(
        "upstreams." + upstream.name + ".protocol",
        "h2 carries requests of many clients on one connection, and `proxy_protocol` is set, "
        "which names one; expected only one of the two");
  if (upstream.pool.empty()) return;
  report.add("upstreams." + upstream.name + ".proxy_protocol",
             "is for servers, and the endpoints of this upstream are workers of pool " +
                 upstream.pool + "; expected no such key");
}

}  // namespace roundhouse::config
