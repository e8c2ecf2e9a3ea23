// OpenSSL, loaded when it is wanted, and owners of what it hands out. For net/tls_*.cc alone:
// nobody else sees OpenSSL.
//
// In these files the names of its functions are those of openssl.def, which hide the library's own:
// pointers, good once load() has succeeded.
#pragma once

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace roundhouse::openssl {

#define FUNCTION(name) inline decltype(&::name) name = nullptr;
#include "net/openssl.def"
#undef FUNCTION

// Error: "TLS needs OpenSSL: libssl.so.3: cannot open shared object file".
Result<void> load();

template <auto& Free>
struct Freed {
  void operator()(auto* object) const { Free(object); }
};
using Bio = std::unique_ptr<BIO, Freed<BIO_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Context = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;
using Connection = std::unique_ptr<SSL, Freed<SSL_free>>;

// Borrows the bytes.
Bio bio_of(std::string_view bytes);
// All certificates of a PEM text, in its order; empty if it holds none, or a broken one.
std::vector<Certificate> certificates_of(std::string_view pem);
// nullptr: none, or one with a passphrase (then `encrypted` is set).
Key key_of(std::string_view pem, bool& encrypted);
// What every context of ours has, on both sides: versions, no renegotiation, no compression; and
// that idle connections keep no buffers.
void set_modes(SSL_CTX* context, bool tls13_only);
// What the context shows: a certificate in PEM form, with those that lead to its root behind it.
Result<void> use_certificate(SSL_CTX* context, std::string_view cert_pem, std::string_view key_pem);
// The reason of the latest error, in OpenSSL's words; the queue is empty then.
std::string take_error();

}  // namespace roundhouse::openssl
