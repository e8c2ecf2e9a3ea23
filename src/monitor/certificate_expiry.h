// When certificates expire, and which of them a human must be told about.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/options.h"
#include "ipc/tls_material.h"

namespace roundhouse::monitor {

struct CertificateEnd {
  std::string kind;            // "listener", "upstream": whose it is
  std::string owner;           // its name
  std::string name;            // the first that it is for; "none"
  std::int64_t not_after = 0;  // Unix time
};

// Of all in `material`, each once.
std::vector<CertificateEnd> certificate_ends(const ipc::TlsMaterial& material,
                                             const config::Configuration& configuration);

// "listener web: the certificate for a.test expires in 5 days"; "" while there is time: two weeks,
// as the alert has it.
std::string expiry_warning(const CertificateEnd& certificate, double now);

}  // namespace roundhouse::monitor
