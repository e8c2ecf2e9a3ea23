// The rules for TLS to upstreams: what follows from what was set, and what is wrong with it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/options.h"
#include "config/provenance.h"
#include "config/report.h"
#include "config/tls_rules.h"

namespace roundhouse::config {

// Options of an upstream that is spoken to under TLS.
bool is_of_upstream_tls(std::string_view key);
// Any key of `tls` but `enabled: false` means TLS. `placed`: relative to the folder of the
// configuration file.
void derive_upstream_tls(Upstream& upstream, Provenance& provenance,
                         const std::function<std::string(const std::string&)>& placed);
void check_upstream_tls(const Upstream& upstream, Report& report);
// Reads every file. What is wrong, and what is allowed but will hardly do.
void check_upstream_tls_files(const Configuration& configuration, const TlsKnowledge& knowledge,
                              Report& report, Report& doubts);
void doubt_upstream_tls(const Configuration& configuration, Report& doubts);

// By which name an endpoint is asked, and for which its certificate must be: a host or an address.
// `endpoint`: as it is written, "10.0.0.1:8443". Empty: whichever it is for.
std::string tls_name_of(const Upstream& upstream, std::string_view endpoint);
// What is offered to its endpoints by ALPN. Nothing where a tcp listener leads there: its clients
// may speak anything.
std::vector<std::string> protocols_offered(const Configuration& configuration,
                                           const Upstream& upstream);

}  // namespace roundhouse::config
