// The files that TLS needs, looked at anew while their configuration is in force.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "config/options.h"
#include "config/tls_rules.h"

namespace roundhouse::config {

// Every one that is named, of listeners and upstreams, in an order that is always the same.
std::vector<std::string> tls_paths(const Configuration& configuration);
// Doubts, a line each. Error: what is wrong with them, with kConfiguration; each line begins with
// the key of the option.
Result<std::vector<std::string>> check_renewal(const Configuration& configuration,
                                               const TlsKnowledge& knowledge);

}  // namespace roundhouse::config
