// The rules for TLS on listeners: what is made of the short form, and what is wrong with the rest.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/options.h"
#include "config/provenance.h"
#include "config/report.h"

namespace roundhouse::config {

inline constexpr std::size_t kMaxCertificates = 256;  // of one listener
inline constexpr std::size_t kMaxPemBytes = 256 * 1024;

// What somebody who knows certificates says of files; `what` completes the sentence "FILE ...".
struct CertificateFinding {
  bool of_key = false;
  bool is_doubt = false;  // it can be used
  std::string what;
};
// Another room's knowledge. Without functions nothing is looked at.
struct TlsKnowledge {
  std::function<std::vector<CertificateFinding>(std::string_view cert, std::string_view key)>
      certificate;
  // What is wrong; "" if nothing is.
  std::function<std::string(std::string_view pem)> authorities;
  std::function<std::string(const std::string& list)> ciphers;
  std::function<bool()> lacks_roots;  // the system has none
};

// Options of a listener that speaks TLS.
bool is_of_tls(std::string_view key);
// `placed`: relative to the folder of the configuration file.
void derive_tls(Listener& listener, Provenance& provenance,
                const std::function<std::string(const std::string&)>& placed);
void check_tls(const Configuration& configuration, const Listener& listener, Report& report);
// Reads every file. What is wrong, and what is allowed but will hardly do.
void check_tls_files(const Configuration& configuration, const TlsKnowledge& knowledge,
                     Report& report, Report& doubts);

}  // namespace roundhouse::config
