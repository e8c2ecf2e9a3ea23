// Certificates of a test's own making.
#pragma once

#include <string>
#include <vector>

namespace roundhouse::test {

struct Pem {
  std::string cert;
  std::string key;
};

struct CertificateWish {
  std::vector<std::string> names = {};  // DNS
  std::string subject = "test";
  bool rsa = false;             // else ECDSA
  int days = 30;                // from now; negative: it has expired
  const Pem* issuer = nullptr;  // else it signs itself, and is an authority
};
Pem make_certificate(const CertificateWish& wish);

}  // namespace roundhouse::test
