// The rules for the PROXY protocol: before whom it can stand, and who may send it.
#pragma once

#include <string_view>

#include "config/options.h"
#include "config/report.h"

namespace roundhouse::config {

// Whether a listener as it is makes use of this option, which its protocol has.
bool is_used(const Listener& listener, std::string_view key);
void check_proxy_protocol(const Configuration& configuration, const Listener& listener,
                          Report& report);
void check_proxy_protocol(const Upstream& upstream, Report& report);

}  // namespace roundhouse::config
