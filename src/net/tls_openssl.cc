#include "net/tls_openssl.h"

#include <dlfcn.h>

#include <span>

namespace roundhouse::openssl {
namespace {

// Once it is there it stays.
Result<void> load_library() {
  void* const library = ::dlopen("libssl.so.3", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return fail(std::string("TLS needs OpenSSL: ") + ::dlerror());
  const char* missing = nullptr;
  const auto find = [&](const char* name, auto& function) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(
        ::dlsym(library, name));  // in libcrypto too, which it needs
    if (function == nullptr) missing = name;
  };
#define FUNCTION(name) find(#name, name);
#include "net/openssl.def"
#undef FUNCTION
  if (missing != nullptr) return fail(std::string("TLS needs an OpenSSL with ") + missing);
  return {};
}

}  // namespace

Result<void> load() {
  static const Result<void> kLoaded = load_library();
  return kLoaded;
}

Bio bio_of(std::string_view bytes) {
  return Bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

std::vector<Certificate> certificates_of(std::string_view pem) {
  ERR_clear_error();
  const Bio bio = bio_of(pem);
  std::vector<Certificate> all;
  while (X509* const one = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr))
    all.emplace_back(one);
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!at_end) all.clear();
  return all;
}

Key key_of(std::string_view pem, bool& encrypted) {
  const Bio bio = bio_of(pem);
  const auto ask = [](char*, int, int, void* asked) {
    *static_cast<bool*>(asked) = true;
    return -1;
  };
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, ask, &encrypted));
  ERR_clear_error();
  return key;
}

void set_modes(SSL_CTX* context, bool tls13_only) {
  SSL_CTX_set_min_proto_version(context, tls13_only ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  // A record that was sent in part is kept by the connection, not by who wrote it.
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_read_ahead(context, 1);
}

Result<void> use_certificate(SSL_CTX* context, std::string_view cert_pem,
                             std::string_view key_pem) {
  const auto fail_tls = [](const char* what) {
    return fail(what + (": " + take_error()), ExitCode::kConfiguration);
  };
  const auto chain = certificates_of(cert_pem);
  if (chain.empty()) return fail("a certificate is none", ExitCode::kConfiguration);
  bool encrypted = false;
  const Key key = key_of(key_pem, encrypted);
  if (key == nullptr) return fail("a private key is none", ExitCode::kConfiguration);
  if (SSL_CTX_use_certificate(context, chain.front().get()) != 1)
    return fail_tls("a certificate cannot be used");
  for (const Certificate& issuer : std::span(chain).subspan(1))
    SSL_CTX_add1_chain_cert(context, issuer.get());
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1)
    return fail_tls("a private key is not that of its certificate");
  return {};
}

std::string take_error() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* const reason = ERR_reason_error_string(code);
  return reason == nullptr ? "unknown error" : reason;
}

}  // namespace roundhouse::openssl
