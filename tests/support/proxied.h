// What most tests of the proxy begin with: its pool, and the upstream `site` behind it, as YAML.
#pragma once

#include <string>
#include <vector>

#include "base/address.h"
#include "support/origin.h"

namespace roundhouse::test {

inline const std::string kOneProxy = "gateway: {type: proxy, workers: 1}";
inline const std::string kTwoProxies = "gateway: {type: proxy, workers: 2}";

// `more`: further keys, ", balance: rr". `name`: another one.
inline std::string upstream_at(const std::vector<Address>& servers, const std::string& more = "",
                               const std::string& name = "site") {
  std::string list;
  for (const Address& server : servers)
    list += (list.empty() ? "'" : ", '") + server.to_string() + "'";
  return "upstreams: {" + name + ": {servers: [" + list + "]" + more + "}}\n";
}

inline std::string upstream_of(const std::vector<const Origin*>& origins,
                               const std::string& more = "") {
  std::vector<Address> servers;
  for (const Origin* origin : origins) servers.push_back(origin->address());
  return upstream_at(servers, more);
}

}  // namespace roundhouse::test
