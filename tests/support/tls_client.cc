#include "support/tls_client.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <csignal>

#include "support/client.h"

namespace roundhouse::test {
namespace {

UniqueFd connected_to(const Address& server) {
  const Client client(server);
  EXPECT_TRUE(client.connected());
  UniqueFd fd(::fcntl(client.fd(), F_DUPFD_CLOEXEC, 0));
  ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
  return fd;
}

}  // namespace

void TlsClient::Free::operator()(ssl_st* connection) const { SSL_free(connection); }
void TlsClient::Free::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }
void TlsClient::Free::operator()(ssl_session_st* session) const { SSL_SESSION_free(session); }

TlsClient::TlsClient(const Address& server, const Options& options)
    : TlsClient(connected_to(server), options) {}

TlsClient::TlsClient(UniqueFd fd, const Options& options)
    : fd_(std::move(fd)),
      context_(SSL_CTX_new(TLS_client_method())),
      early_data_(options.early_data) {
  ::signal(SIGPIPE, SIG_IGN);
  SSL_CTX* const context = context_.get();
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, [](SSL* connection, SSL_SESSION* session) {
    static_cast<TlsClient*>(SSL_get_app_data(connection))->session_.reset(session);
    return 1;
  });
  if (options.version != 0) {
    SSL_CTX_set_min_proto_version(context, options.version);
    SSL_CTX_set_max_proto_version(context, options.version);
  }
  if (!options.ciphers.empty()) SSL_CTX_set_cipher_list(context, options.ciphers.c_str());
  if (options.certificate != nullptr) use_certificate(context, *options.certificate);
  connection_.reset(SSL_new(context));
  SSL* const connection = connection_.get();
  SSL_set_app_data(connection, this);
  SSL_set_mode(connection, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_set_fd(connection, fd_.get());
  SSL_set_connect_state(connection);
  if (!options.server_name.empty())
    SSL_set_tlsext_host_name(connection, options.server_name.c_str());
  if (!options.alpn.empty())
    SSL_set_alpn_protos(connection, reinterpret_cast<const unsigned char*>(options.alpn.data()),
                        static_cast<unsigned int>(options.alpn.size()));
  if (options.resumes == nullptr || options.resumes->session_ == nullptr) return;
  // A copy: one whose connection is cut is not used again.
  const std::unique_ptr<ssl_session_st, Free> session(
      SSL_SESSION_dup(options.resumes->session_.get()));
  if (!early_data_.empty()) SSL_SESSION_set_max_early_data(session.get(), SSL3_RT_MAX_PLAIN_LENGTH);
  SSL_set_session(connection, session.get());
}

TlsClient::~TlsClient() = default;

TlsClient::Step TlsClient::outcome_of(int result) {
  const int why = SSL_get_error(connection_.get(), result);
  waits_for_room_ = why == SSL_ERROR_WANT_WRITE;
  if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return Step::kWaits;
  if (why == SSL_ERROR_ZERO_RETURN) return Step::kEnd;
  const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
  if (reason != nullptr) error_ = reason;
  if (error_.empty()) error_ = "reset";
  ERR_clear_error();
  return Step::kFailed;
}

TlsClient::Step TlsClient::step_handshake() {
  ERR_clear_error();
  if (!early_data_.empty()) {
    std::size_t taken = 0;
    const int result =
        SSL_write_early_data(connection_.get(), early_data_.data(), early_data_.size(), &taken);
    if (result != 1) return outcome_of(result);
    early_data_.clear();
  }
  const int result = SSL_do_handshake(connection_.get());
  return result == 1 ? Step::kDone : outcome_of(result);
}

TlsClient::Step TlsClient::step_read(std::string& into) {
  std::array<char, 16384> piece;
  ERR_clear_error();
  const int result = SSL_read(connection_.get(), piece.data(), piece.size());
  if (result <= 0) return outcome_of(result);
  into.append(piece.data(), static_cast<std::size_t>(result));
  return Step::kDone;
}

TlsClient::Step TlsClient::step_write(std::string_view& bytes) {
  ERR_clear_error();
  const int result = SSL_write(connection_.get(), bytes.data(), static_cast<int>(bytes.size()));
  if (result <= 0) return outcome_of(result);
  bytes.remove_prefix(static_cast<std::size_t>(result));
  return Step::kDone;
}

bool TlsClient::wait() const {
  pollfd poll{.fd = fd_.get(),
              .events = static_cast<short>(waits_for_room_ ? POLLOUT : POLLIN),
              .revents = 0};
  return ::poll(&poll, 1, 30'000) == 1;
}

bool TlsClient::shake_hands() {
  Step step = Step::kWaits;
  while ((step = step_handshake()) == Step::kWaits)
    if (!wait()) return false;
  return step == Step::kDone;
}

bool TlsClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const Step step = step_write(bytes);
    if (step != Step::kDone && (step != Step::kWaits || !wait())) return false;
  }
  return true;
}

std::string TlsClient::receive_until(std::string_view text) {
  std::string all;
  while (all.find(text) == all.npos) {
    const Step step = step_read(all);
    if (step != Step::kDone && (step != Step::kWaits || !wait())) break;
  }
  return all;
}

std::string TlsClient::receive_all(bool& orderly) {
  std::string all;
  Step step = Step::kDone;
  while (step == Step::kDone || (step == Step::kWaits && wait())) step = step_read(all);
  orderly = step == Step::kEnd;
  return all;
}

void TlsClient::end_writing() { SSL_shutdown(connection_.get()); }

void TlsClient::renegotiate() {
  SSL_renegotiate(connection_.get());
  step_handshake();  // the refusal may be there at once
}

bool TlsClient::resumed() const { return SSL_session_reused(connection_.get()) == 1; }
std::string TlsClient::version() const { return SSL_get_version(connection_.get()); }
std::string TlsClient::cipher() const { return SSL_get_cipher_name(connection_.get()); }

std::string TlsClient::protocol() const {
  const unsigned char* found = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(connection_.get(), &found, &size);
  return {reinterpret_cast<const char*>(found), size};
}

std::string TlsClient::peer_name() const {
  X509* const certificate = SSL_get0_peer_certificate(connection_.get());
  if (certificate == nullptr) return "";
  std::array<char, 256> name{};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), OBJ_txt2nid("CN"), name.data(),
                            name.size());
  return name.data();
}

std::string TlsClient::key_type() const {
  X509* const certificate = SSL_get0_peer_certificate(connection_.get());
  if (certificate == nullptr) return "";
  return EVP_PKEY_get_base_id(X509_get0_pubkey(certificate)) == EVP_PKEY_RSA ? "RSA" : "EC";
}

std::string TlsClient::ticket() const {
  const unsigned char* bytes = nullptr;
  std::size_t size = 0;
  if (session_ != nullptr) SSL_SESSION_get0_ticket(session_.get(), &bytes, &size);
  return {reinterpret_cast<const char*>(bytes), size};
}

unsigned TlsClient::early_data_at_most() const {
  return session_ == nullptr ? 0 : SSL_SESSION_get_max_early_data(session_.get());
}

bool TlsClient::early_data_accepted() const {
  return SSL_get_early_data_status(connection_.get()) == SSL_EARLY_DATA_ACCEPTED;
}

}  // namespace roundhouse::test
