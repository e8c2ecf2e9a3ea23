// What certificates, keys and lists of ciphers say, and what is wrong with them.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace roundhouse {

struct CertificateFacts {
  // For which it is: DNS names and addresses, lower case; the common name where there are none.
  std::vector<std::string> names;
  std::string key_type;         // "RSA", "EC", "ED25519"
  std::int64_t not_before = 0;  // Unix time
  std::int64_t not_after = 0;
};

// Of the first certificate in a PEM text. The error completes the sentence "FILE ...".
std::expected<CertificateFacts, std::string> facts_of_certificate(std::string_view pem);

struct CertificateFault {
  bool of_key = false;
  std::string what;  // completes the sentence "FILE ..."
};
// Whether they belong together and can be used.
std::expected<CertificateFacts, CertificateFault> examine_certificate(std::string_view cert_pem,
                                                                      std::string_view key_pem);

// What is wrong; "" if nothing is.
std::string fault_of_authorities(std::string_view pem);
std::string fault_of_ciphers(const std::string& list);
// Where OpenSSL looks for the roots of the system there are none.
bool lacks_roots();

}  // namespace roundhouse
