#include "proxy/handshake.h"

#include "base/check.h"

namespace roundhouse::proxy {

ipc::TlsOutcome outcome_of_handshake(const Transport& client) {
  using ipc::TlsOutcome;
  switch (client.handshake_failure()) {
    case TlsFailure::kNone: {
      const TlsFacts facts = client.facts();
      if (facts.version == "TLSv1.3")
        return facts.resumed ? TlsOutcome::k13Resumed : TlsOutcome::k13Full;
      return facts.resumed ? TlsOutcome::k12Resumed : TlsOutcome::k12Full;
    }
    case TlsFailure::kProtocol:
      return TlsOutcome::kFailed;
    case TlsFailure::kCertificate:
      return TlsOutcome::kCertificate;
    case TlsFailure::kPlainHttp:
      return TlsOutcome::kPlainHttp;
    case TlsFailure::kGone:
      return TlsOutcome::kGone;
  }
  CHECK(false);
}

void count_handshake(ipc::Slot& slot, std::uint32_t listener, ipc::TlsOutcome outcome) {
  if (listener < ipc::kMaxListeners)
    ipc::add(slot.tls_handshakes[listener][static_cast<std::size_t>(outcome)]);
}

}  // namespace roundhouse::proxy
