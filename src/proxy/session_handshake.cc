// How a session begins under TLS.
#include "base/check.h"
#include "proxy/handshake.h"
#include "proxy/server.h"
#include "proxy/session.h"

namespace roundhouse::proxy {

// Only the session itself counts as load meanwhile: it has no buffers of ours.
bool Session::step_handshake() {
  switch (transport_.handshake()) {
    case Transport::Status::kMoved:
      count_handshake(server_.parts_.slot, info_.listener, outcome_of_handshake(transport_));
      tls_ = std::make_unique<TlsFacts>(transport_.facts());
      readable_ = true;  // a request may have come behind the handshake
      if (tls_->protocol == "h2") {
        become_http2();
        return false;
      }
      enter(State::kIdle);
      return true;
    case Transport::Status::kWouldBlock:
      writable_ = !transport_.wants_room();
      return false;
    case Transport::Status::kEnd:
    case Transport::Status::kFailed:
      end_handshake(outcome_of_handshake(transport_));
      return true;
  }
  CHECK(false);
}

// With prior knowledge (RFC 9113 3.3): as far as it has come, its preface stands where the first
// request would. When it is whole, this is over.
bool Session::begins_http2() {
  if (!fresh() || tls_ != nullptr || !listener().http2) return false;
  const std::string_view bytes = work_->input.bytes();
  const std::string_view known = bytes.substr(0, http::kHttp2Preface.size());
  if (!http::kHttp2Preface.starts_with(known)) return false;
  if (known.size() == http::kHttp2Preface.size()) become_http2();
  return true;
}

// Somebody else goes on with the connection, and with what was read of it.
void Session::become_http2() {
  cancel();
  watcher_.stop();
  state_ = State::kClosed;
  Http2Server::Arrival arrival{.transport = std::move(transport_),
                               .tls = std::move(tls_),
                               .info = info_,
                               .ticket = std::move(ticket_)};
  const std::unique_ptr<Workspace> work = std::move(work_);
  server_.let_go(*this);
  server_.http2_.take(std::move(arrival),
                      work == nullptr ? std::string_view() : work->input.bytes());
}

// Who speaks HTTP without TLS is told so, since that is a person who mistyped; nobody else could
// read an answer.
void Session::end_handshake(ipc::TlsOutcome outcome) {
  count_handshake(server_.parts_.slot, info_.listener, outcome);
  if (outcome != ipc::TlsOutcome::kPlainHttp) {
    close();
    return;
  }
  transport_.become_plain();
  acquire_workspace();
  refuse(http::Failure::kPlainHttp);
}

}  // namespace roundhouse::proxy
