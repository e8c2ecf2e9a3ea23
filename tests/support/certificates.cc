#include "support/certificates.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>

namespace roundhouse::test {
namespace {

template <auto Free>
struct Freed {
  void operator()(auto* object) const { Free(object); }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Bio = std::unique_ptr<BIO, Freed<BIO_free>>;

std::string text_of(BIO* bio) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  return {text, static_cast<std::size_t>(size)};
}

void add(X509* certificate, X509* issuer, int what, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
  ASSERT_NE(extension, nullptr) << value;
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

Certificate certificate_of(const Pem& pem) {
  const Bio bio(BIO_new_mem_buf(pem.cert.data(), -1));
  return Certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

Key key_of(const Pem& pem) {
  const Bio bio(BIO_new_mem_buf(pem.key.data(), -1));
  return Key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
}

long next_serial() {
  static long serial = 0;
  return ++serial;
}

}  // namespace

Pem make_certificate(const CertificateWish& wish) {
  const Key key(wish.rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"));
  const Certificate certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), next_serial());
  constexpr long kDay = 86400;
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -30 * kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), wish.days * kDay);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME* const name_of = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name_of, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(wish.subject.c_str()), -1, -1,
                             0);
  Certificate issuer;
  Key issuer_key;
  if (wish.issuer != nullptr) {
    issuer = certificate_of(*wish.issuer);
    issuer_key = key_of(*wish.issuer);
  }
  X509* const by = issuer == nullptr ? certificate.get() : issuer.get();
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(by));
  if (issuer == nullptr) add(certificate.get(), by, NID_basic_constraints, "critical,CA:TRUE");
  std::string names;
  for (const std::string& name : wish.names) {
    const bool is_address = name.find_first_not_of("0123456789.") == name.npos;
    names += std::string(names.empty() ? "" : ",") + (is_address ? "IP:" : "DNS:") + name;
  }
  if (!names.empty()) add(certificate.get(), by, NID_subject_alt_name, names);
  X509_sign(certificate.get(), issuer_key == nullptr ? key.get() : issuer_key.get(), EVP_sha256());
  const Bio cert(BIO_new(BIO_s_mem()));
  const Bio secret(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(cert.get(), certificate.get());
  PEM_write_bio_PrivateKey(secret.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return {.cert = text_of(cert.get()), .key = text_of(secret.get())};
}

std::string der_of(const Pem& pem) {
  const Bio bio(BIO_new(BIO_s_mem()));
  i2d_X509_bio(bio.get(), certificate_of(pem).get());
  return text_of(bio.get());
}

void use_certificate(ssl_ctx_st* context, const Pem& pem) {
  EXPECT_EQ(SSL_CTX_use_certificate(context, certificate_of(pem).get()), 1);
  EXPECT_EQ(SSL_CTX_use_PrivateKey(context, key_of(pem).get()), 1);
}

void trust_certificate(ssl_ctx_st* context, const Pem& pem) {
  EXPECT_EQ(X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate_of(pem).get()), 1);
}

}  // namespace roundhouse::test
