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
