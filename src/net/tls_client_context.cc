#include "net/tls_client_context.h"

#include <utility>

#include "base/check.h"
#include "net/tls_openssl.h"

namespace roundhouse {

using namespace openssl;

namespace {

// On a context: its number. On a connection: its TlsSession.
int number_index() {
  static const int kIndex = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return kIndex;
}
int session_index() {
  static const int kIndex = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return kIndex;
}

std::unexpected<Error> fail_tls(const std::string& what) {
  return fail(what + ": " + take_error(), ExitCode::kConfiguration);
}

Result<void> trust(SSL_CTX* context, const TlsClientSetting& setting) {
  SSL_CTX_set_verify(context, setting.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (!setting.verify) return {};
  if (setting.ca.empty()) {  // looked up when they are wanted, by the hashes of their names
    if (SSL_CTX_set_default_verify_paths(context) != 1) return fail_tls("the system's roots");
    return {};
  }
  const auto authorities = certificates_of(setting.ca);
  if (authorities.empty())
    return fail("no authority vouches for the upstream", ExitCode::kConfiguration);
  for (const openssl::Certificate& authority : authorities)
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get());
  return {};
}

std::vector<unsigned char> wire_form(const std::vector<std::string>& protocols) {
  std::vector<unsigned char> wire;
  for (const std::string& protocol : protocols) {
    wire.push_back(static_cast<unsigned char>(protocol.size()));
    wire.insert(wire.end(), protocol.begin(), protocol.end());
  }
  return wire;
}

}  // namespace

void TlsSession::forget() {
  if (newest_ != nullptr) SSL_SESSION_free(std::exchange(newest_, nullptr));
}

TlsClientContext::TlsClientContext(ssl_ctx_st* context) : context_(context) {
  static std::uint64_t last = 0;  // of the process, which has one thread
  number_ = ++last;
  SSL_CTX_set_ex_data(context_, number_index(), &number_);
}

TlsClientContext::~TlsClientContext() {
  SSL_CTX_set_ex_data(context_, number_index(), nullptr);  // connections may go on with it
  SSL_CTX_free(context_);
}

Result<std::unique_ptr<TlsClientContext>> TlsClientContext::create(
    const TlsClientSetting& setting) {
  TRY_VOID(load());
  openssl::Context made(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* const context = made.get();
  if (context == nullptr) return fail_tls("TLS");
  set_modes(context, setting.tls13_only);
  if (!setting.ciphers.empty() && SSL_CTX_set_cipher_list(context, setting.ciphers.c_str()) != 1)
    return fail_tls("the ciphers of TLS 1.2");
  TRY_VOID(trust(context, setting));
  if (!setting.cert.empty()) TRY_VOID(use_certificate(context, setting.cert, setting.key));
  if (const auto wire = wire_form(setting.alpn); !wire.empty())
    SSL_CTX_set_alpn_protos(context, wire.data(), static_cast<unsigned int>(wire.size()));
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  // Copies go in and out: a connection that does not end in order spoils its own.
  SSL_CTX_sess_set_new_cb(context, [](SSL* connection, SSL_SESSION* session) noexcept {
    auto* const kept = static_cast<TlsSession*>(SSL_get_ex_data(connection, session_index()));
    const auto* const number = static_cast<const std::uint64_t*>(
        SSL_CTX_get_ex_data(SSL_get_SSL_CTX(connection), number_index()));
    if (kept == nullptr || number == nullptr) return 0;
    SSL_SESSION* const copy = SSL_SESSION_dup(session);
    if (copy == nullptr) return 0;
    kept->forget();
    kept->newest_ = copy;
    kept->context_ = *number;
    return 0;
  });
  return std::unique_ptr<TlsClientContext>(new TlsClientContext(made.release()));
}

ssl_st* TlsClientContext::connect(const TlsPeer& peer) const {
  SSL* const connection = SSL_new(context_);
  CHECK(connection != nullptr);
  SSL_set_connect_state(connection);
  if (!peer.name.empty() &&
      X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(connection), peer.name.c_str()) != 1) {
    ERR_clear_error();
    SSL_set_hostflags(connection, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    CHECK(SSL_set1_host(connection, peer.name.c_str()) == 1);
    SSL_set_tlsext_host_name(connection, peer.name.c_str());
  }
  if (!peer.protocol.empty()) {
    const auto wire = wire_form({std::string(peer.protocol)});
    SSL_set_alpn_protos(connection, wire.data(), static_cast<unsigned int>(wire.size()));
  }
  if (peer.session == nullptr) return connection;
  SSL_set_ex_data(connection, session_index(), peer.session);
  if (peer.session->newest_ == nullptr || peer.session->context_ != number_) return connection;
  if (SSL_SESSION* const copy = SSL_SESSION_dup(peer.session->newest_)) {
    SSL_set_session(connection, copy);
    SSL_SESSION_free(copy);
  }
  return connection;
}

}  // namespace roundhouse
