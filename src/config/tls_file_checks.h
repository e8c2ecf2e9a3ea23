// What is wrong with one file that TLS needs, wherever it was named.
#pragma once

#include <string>

#include "config/report.h"
#include "config/tls_rules.h"

namespace roundhouse::config {

// A certificate and its key; `cert_key` and `key_key` are the options that name them.
void check_pair(const Certificate& files, const std::string& cert_key, const std::string& key_key,
                const TlsKnowledge& knowledge, Report& report, Report& doubts);
void check_authorities(const std::string& path, const std::string& key,
                       const TlsKnowledge& knowledge, Report& report);
void check_ciphers(const std::string& list, const std::string& key, const TlsKnowledge& knowledge,
                   Report& report);

}  // namespace roundhouse::config
