#include "net/tls_stream.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/check.h"
#include "net/tls_client_context.h"
#include "net/tls_context.h"
#include "net/tls_openssl.h"

namespace roundhouse {

using namespace openssl;

namespace {

constexpr std::size_t kRecord = SSL3_RT_MAX_PLAIN_LENGTH;

// For two pieces that go in one record. Of the process, which has one thread.
std::array<char, kRecord>& scratch() {
  static std::array<char, kRecord> room;
  return room;
}

bool is_later(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS; }

// "CN=alice,O=Example" (RFC 2253), which escapes whatever is not printable.
std::string subject_of(const X509* certificate) {
  const openssl::Bio bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(std::max(size, 0L))};
}

TlsFailure failure_of(unsigned long error) {
  switch (ERR_GET_REASON(error)) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
      return TlsFailure::kPlainHttp;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return TlsFailure::kCertificate;
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
      return TlsFailure::kGone;
    default:
      return TlsFailure::kProtocol;
  }
}

constexpr const char* kGone = "the connection was closed";

// Of a certificate why it does not hold: "certificate has expired".
const char* reason_of(unsigned long error, const SSL* connection) {
  if (ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED)
    return X509_verify_cert_error_string(SSL_get_verify_result(connection));
  const char* const reason = ERR_reason_error_string(error);
  return reason == nullptr ? "unknown error" : reason;
}

}  // namespace

// Reads and writes as Transport does, and knows whether there may be more.
struct TlsStream::Method {
  static Socket& of(BIO* bio) { return *static_cast<Socket*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* into, int size) noexcept {
    Socket& socket = of(bio);
    BIO_clear_retry_flags(bio);
    ssize_t count = -1;
    do {
      count = ::recv(socket.fd, into, static_cast<std::size_t>(size), 0);
    } while (count < 0 && errno == EINTR);
    if (count == 0) socket.ended = true;
    socket.dry = count > 0 && count < size;
    if (count < 0 && is_later(errno)) BIO_set_retry_read(bio);
    if (count < 0 && !is_later(errno)) socket.failed = true;
    return static_cast<int>(count);
  }

  static int write(BIO* bio, const char* bytes, int size) noexcept {
    Socket& socket = of(bio);
    BIO_clear_retry_flags(bio);
    ssize_t count = -1;
    do {
      count = ::send(socket.fd, bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
    } while (count < 0 && errno == EINTR);
    if (count < 0 && is_later(errno)) BIO_set_retry_write(bio);
    if (count < 0 && !is_later(errno)) socket.failed = true;
    return static_cast<int>(count);
  }

  // It is not told of the end (BIO_CTRL_EOF): OpenSSL would send an alert to who has left.
  static long control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) noexcept {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }

  static BIO* make(Socket& socket) {
    static BIO_METHOD* const kMethod = [] {
      BIO_METHOD* const method =
          BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK | BIO_TYPE_DESCRIPTOR, "socket");
      BIO_meth_set_read(method, read);
      BIO_meth_set_write(method, write);
      BIO_meth_set_ctrl(method, control);
      return method;
    }();
    BIO* const bio = BIO_new(kMethod);
    CHECK(bio != nullptr);
    BIO_set_data(bio, &socket);
    BIO_set_init(bio, 1);
    return bio;
  }
};

void TlsStream::Free::operator()(ssl_st* connection) const { SSL_free(connection); }

TlsStream::TlsStream(const TlsContext& context, int fd)
    : socket_{.fd = fd}, connection_(SSL_new(context.get())), is_server_(true) {
  CHECK(connection_ != nullptr);
  BIO* const bio = Method::make(socket_);
  SSL_set_bio(connection_.get(), bio, bio);
  SSL_set_accept_state(connection_.get());
}

TlsStream::TlsStream(const TlsClientContext& context, int fd, const TlsPeer& peer)
    : socket_{.fd = fd}, connection_(context.connect(peer)), is_server_(false) {
  BIO* const bio = Method::make(socket_);
  SSL_set_bio(connection_.get(), bio, bio);
}

TlsStream::~TlsStream() = default;

TransferStatus TlsStream::status_of(int result) {
  wants_room_ = false;
  switch (SSL_get_error(connection_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return TransferStatus::kWouldBlock;
    case SSL_ERROR_WANT_WRITE:
      wants_room_ = true;
      return TransferStatus::kWouldBlock;
    case SSL_ERROR_ZERO_RETURN:
      return TransferStatus::kEnd;
    case SSL_ERROR_SYSCALL:
      failure_ = TlsFailure::kGone;
      reason_ = kGone;
      return TransferStatus::kFailed;
    default:
      const unsigned long error = ERR_peek_last_error();
      failure_ = socket_.ended || socket_.failed ? TlsFailure::kGone : failure_of(error);
      reason_ = failure_ == TlsFailure::kGone ? kGone : reason_of(error, connection_.get());
      ERR_clear_error();
      return TransferStatus::kFailed;
  }
}

TransferStatus TlsStream::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(connection_.get());
  if (result != 1) {
    const TransferStatus status = status_of(result);
    return status == TransferStatus::kEnd ? TransferStatus::kFailed : status;
  }
  established_ = true;
  wants_room_ = false;
  X509* const certificate = is_server_ ? SSL_get0_peer_certificate(connection_.get()) : nullptr;
  if (certificate != nullptr) client_ = subject_of(certificate);
  return TransferStatus::kMoved;
}

// Nothing is left here, and the socket has given less than it was asked for.
bool TlsStream::has_taken_all() const {
  return socket_.dry && SSL_has_pending(connection_.get()) == 0;
}

Transfer TlsStream::read(std::span<char> into) {
  ERR_clear_error();
  std::size_t count = 0;
  const int result = SSL_read_ex(connection_.get(), into.data(), into.size(), &count);
  if (result == 1) return {TransferStatus::kMoved, count, has_taken_all()};
  return {status_of(result), 0};
}

bool TlsStream::holds_received() const { return SSL_has_pending(connection_.get()) == 1; }

bool TlsStream::is_quiet() {
  char byte = 0;
  return read({&byte, 1}).status == TransferStatus::kWouldBlock;
}

// The bytes of the next record: both pieces together where they fit.
std::string_view TlsStream::next_record(std::string_view& first, std::string_view& second) {
  std::string_view record;
  if (first.empty() || second.empty() || first.size() >= kRecord) {
    std::string_view& from = first.empty() ? second : first;
    record = from.substr(0, kRecord);
    from.remove_prefix(record.size());
    return record;
  }
  std::array<char, kRecord>& room = scratch();
  std::size_t size = first.copy(room.data(), first.size());
  const std::size_t more = second.copy(room.data() + size, kRecord - size);
  size += more;
  first = {};
  second.remove_prefix(more);
  return {room.data(), size};
}

Transfer TlsStream::write(std::string_view first, std::string_view second) {
  const TransferStatus before = flush();
  if (before != TransferStatus::kMoved) return {before, 0};
  std::size_t sent = 0;
  while (!first.empty() || !second.empty()) {
    const std::string_view record = next_record(first, second);
    std::size_t taken = 0;
    ERR_clear_error();
    const int result = SSL_write_ex(connection_.get(), record.data(), record.size(), &taken);
    if (result == 1) {
      CHECK(taken == record.size());
      sent += taken;
      continue;
    }
    const TransferStatus status = status_of(result);
    if (status != TransferStatus::kWouldBlock) return {TransferStatus::kFailed, sent};
    unsent_ = record.size();  // it is sealed: nobody looks at the bytes again
    return {TransferStatus::kMoved, sent + record.size()};
  }
  return {TransferStatus::kMoved, sent};
}

TransferStatus TlsStream::flush() {
  if (unsent_ == 0) return TransferStatus::kMoved;
  std::size_t taken = 0;
  ERR_clear_error();
  const int result = SSL_write_ex(connection_.get(), scratch().data(), unsent_, &taken);
  if (result != 1)
    return status_of(result) == TransferStatus::kWouldBlock ? TransferStatus::kWouldBlock
                                                            : TransferStatus::kFailed;
  unsent_ = 0;
  return TransferStatus::kMoved;
}

TransferStatus TlsStream::end_writing() {
  if (!established_ || said_end_ || failure_ != TlsFailure::kNone) return TransferStatus::kMoved;
  const TransferStatus before = flush();
  if (before != TransferStatus::kMoved) return before;
  ERR_clear_error();
  const int result = SSL_shutdown(connection_.get());
  if (result < 0 && status_of(result) == TransferStatus::kWouldBlock)
    return TransferStatus::kWouldBlock;
  said_end_ = true;
  return TransferStatus::kMoved;
}

TlsFacts TlsStream::facts() const {
  const SSL* const connection = connection_.get();
  const auto text = [](const char* found) {
    return found == nullptr ? std::string_view() : std::string_view(found);
  };
  const unsigned char* protocol = nullptr;
  unsigned int protocol_size = 0;
  SSL_get0_alpn_selected(connection, &protocol, &protocol_size);
  return {.version = text(SSL_get_version(connection)),
          .cipher = text(SSL_get_cipher_name(connection)),
          .server_name = text(SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name)),
          .protocol = {reinterpret_cast<const char*>(protocol), protocol_size},
          .client = client_,
          .resumed = SSL_session_reused(connection) == 1};
}

}  // namespace roundhouse
