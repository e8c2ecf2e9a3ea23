// Certificates of a test's own making.
#pragma once

#include <string>
#include <vector>

struct ssl_ctx_st;

namespace roundhouse::test {

struct Pem {
  std::string cert;
  std::string key;
};

struct CertificateWish {
  std::vector<std::string> names = {};  // DNS, or IPv4 addresses
  std::string subject = "test";
  bool rsa = false;             // else ECDSA
  int days = 30;                // from now; negative: it has expired
  const Pem* issuer = nullptr;  // else it signs itself, and is an authority
};
Pem make_certificate(const CertificateWish& wish);
std::string der_of(const Pem& pem);  // of its certificate, the first
// The context shows it; or takes it for an authority.
void use_certificate(ssl_ctx_st* context, const Pem& pem);
void trust_certificate(ssl_ctx_st* context, const Pem& pem);

}  // namespace roundhouse::test
