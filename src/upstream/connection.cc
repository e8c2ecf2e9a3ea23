#include "upstream/connection.h"

#include <utility>

#include "upstream/endpoint.h"

namespace roundhouse::upstream {

Connection::Connection(EventLoop& loop, UniqueFd fd, Endpoint& endpoint)
    : transport_(std::move(fd)), endpoint_(&endpoint) {
  watcher_.watch(loop, transport_.fd(), Interest::kReadWrite, Trigger::kEdge, *this);
  endpoint.opened();
}

Connection::~Connection() { retire(); }

void Connection::retire() {
  if (endpoint_ == nullptr) return;
  cancel();
  user_ = nullptr;
  watcher_.stop();
  transport_.close();
  std::exchange(endpoint_, nullptr)->closed();
}

void Connection::count(std::uint64_t sent_bytes, std::uint64_t received_bytes) {
  ipc::EndpointTraffic& traffic = endpoint_->traffic();
  ipc::add(traffic.sent_bytes_total, sent_bytes);
  ipc::add(traffic.received_bytes_total, received_bytes);
}

void Connection::report_tls() {
  if (transport_.is_plain()) return;
  const TlsFailure failure = transport_.handshake_failure();
  if (failure == TlsFailure::kNone || failure == TlsFailure::kGone) return;
  endpoint_->report_tls(transport_.tls_reason());
}

void Connection::reset() {
  watcher_.stop();
  transport_.reset();
}

// While it is idle nothing is expected but, under TLS, what is no byte of the stream: a ticket.
void Connection::on_ready(Ready ready) {
  ready = transport_.meaning_of(ready);
  if (user_ != nullptr) {
    user_->on_upstream_ready(ready);
  } else if (idle_ && (ready.readable || ready.ending)) {
    if (transport_.is_plain() || ready.ending || !is_quiet()) endpoint_->drop_idle(*this);
  }
}

void Connection::expired() {
  if (idle_) endpoint_->drop_idle(*this);
}

}  // namespace roundhouse::upstream
