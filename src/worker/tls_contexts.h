// The TLS of a worker: a context for each listener of its pool that speaks it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "config/options.h"
#include "ipc/tls_material.h"
#include "net/tls_context.h"

namespace roundhouse::worker {

class TlsContexts {
 public:
  // `material`: what the edge gave; none: no listener of the pool speaks TLS. A process that holds
  // keys leaves no core, and nobody of its user looks into it.
  static Result<TlsContexts> create(const config::Configuration& configuration, UniqueFd material);

  // For the handshakes from now on. Error: nothing has changed.
  Result<void> replace(const config::Configuration& configuration, UniqueFd material);
  // By the index of the listener; nullptr: it speaks none.
  const TlsContext* find(std::uint32_t listener) const {
    return listener < contexts_.size() ? contexts_[listener].get() : nullptr;
  }

 private:
  std::vector<std::unique_ptr<TlsContext>> contexts_;
};

}  // namespace roundhouse::worker
