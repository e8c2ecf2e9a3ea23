#include "upstream/connector.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "base/unique_fd.h"

namespace roundhouse::upstream {
namespace {

bool is_ours(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM ||
         error == EADDRNOTAVAIL;
}

ipc::UpstreamTlsOutcome outcome_of(const Transport& transport) {
  using ipc::UpstreamTlsOutcome;
  switch (transport.handshake_failure()) {
    case TlsFailure::kNone:
      return transport.facts().resumed ? UpstreamTlsOutcome::kResumed : UpstreamTlsOutcome::kFull;
    case TlsFailure::kCertificate:
      return UpstreamTlsOutcome::kCertificate;
    case TlsFailure::kProtocol:
    case TlsFailure::kPlainHttp:
      return UpstreamTlsOutcome::kFailed;
    case TlsFailure::kGone:
      return UpstreamTlsOutcome::kGone;
  }
  CHECK(false);
}

}  // namespace

void Connector::start(Duration timeout) {
  const Address& address = endpoint_.spec().address;
  UniqueFd fd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) {
    fail(http::Failure::kConnectFailed, errno);
    return;
  }
  const int on = 1;
  if (!address.is_unix()) ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ipc::add(endpoint_.traffic().connects_total);
  const bool done = ::connect(fd.get(), address.data(), address.size()) == 0;
  if (!done && errno != EINPROGRESS) {
    fail(http::Failure::kConnectFailed, errno);
    return;
  }
  connection_ = std::make_unique<Connection>(loop_, std::move(fd), endpoint_);
  connection_->set_user(this);
  deadlines_.set(*this, loop_.now() + timeout);
  if (done) connected();
}

void Connector::on_upstream_ready(Ready /*ready*/) {
  switch (step_) {
    case Step::kConnect: {
      int error = 0;
      socklen_t size = sizeof error;
      ::getsockopt(connection_->transport().fd(), SOL_SOCKET, SO_ERROR, &error, &size);
      if (error != 0) return give_up(http::Failure::kConnectFailed, error);
      return connected();
    }
    case Step::kHandshake:
      return shake_hands();
  }
}

void Connector::connected() {
  if (const int error = send_header()) return give_up(http::Failure::kConnectFailed, error);
  const TlsClientContext* const tls = endpoint_.tls();
  if (tls == nullptr) return succeed();
  step_ = Step::kHandshake;
  TlsPeer peer = endpoint_.tls_peer();
  if (wish_.carries == Carries::kUpgrade) peer.protocol = "http/1.1";
  connection_->transport().begin_tls(*tls, peer);
  shake_hands();
}

void Connector::shake_hands() {
  Transport& transport = connection_->transport();
  const Transport::Status status = transport.handshake();
  if (status == Transport::Status::kWouldBlock) return;
  endpoint_.count_handshake(outcome_of(transport));
  if (status == Transport::Status::kMoved && speaks_as_wanted()) return succeed();
  if (status == Transport::Status::kMoved) {
    endpoint_.report_tls("it does not speak HTTP/2 (ALPN)");
    return give_up(http::Failure::kUpstreamTls, EPROTO);
  }
  endpoint_.report_tls(transport.tls_reason());
  give_up(http::Failure::kUpstreamTls, EPROTO);
}

// Where only HTTP/2 is offered, a server may still go on without ALPN.
bool Connector::speaks_as_wanted() const {
  return wish_.carries != Carries::kRequest || !endpoint_.speaks_only_http2() ||
         connection_->protocol() == "h2";
}

void Connector::succeed() {
  cancel();
  connection_->set_user(nullptr);
  owner_.on_connected(*this, std::move(connection_));
}

// A socket that has sent nothing has room for a header. As bytes of the socket, whatever the stream
// becomes behind it.
int Connector::send_header() const {
  const std::string_view header = wish_.header;
  if (header.empty()) return 0;
  const ssize_t sent =
      ::send(connection_->transport().fd(), header.data(), header.size(), MSG_NOSIGNAL);
  if (sent < 0) return errno;
  return static_cast<std::size_t>(sent) == header.size() ? 0 : ENOBUFS;
}

// It may be inside a call of the connection.
void Connector::give_up(http::Failure failure, int error) {
  cancel();
  connection_->retire();
  loop_.delete_later(std::move(connection_));
  fail(failure, error);
}

void Connector::abandon() {
  cancel();
  connection_.reset();
}

void Connector::expired() {
  if (step_ == Step::kHandshake) {
    endpoint_.count_handshake(ipc::UpstreamTlsOutcome::kTimeout);
    endpoint_.report_tls("no end of the handshake in time");
  }
  connection_.reset();
  fail(http::Failure::kConnectTimeout, ETIMEDOUT);
}

void Connector::fail(http::Failure failure, int error) {
  log::debug("endpoint_connect_failed", "no connection to endpoint " + endpoint_.spec().name,
             {{"endpoint", endpoint_.spec().name}, {"errno", error}});
  owner_.on_connect_failed(*this, failure, is_ours(error));
}

}  // namespace roundhouse::upstream
