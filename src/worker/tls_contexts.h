// The TLS of a worker: a context for each listener of its pool that speaks it, and, in a proxy,
// for each upstream.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "config/options.h"
#include "ipc/tls_material.h"
#include "net/tls_context.h"
#include "upstream/tls_setting.h"

namespace roundhouse::worker {

class TlsContexts {
 public:
  // `material`: what the edge gave; none: the pool speaks no TLS. A process that holds
  // keys leaves no core, and nobody of its user looks into it.
  static Result<TlsContexts> create(const config::Configuration& configuration, UniqueFd material);

  // For the handshakes from now on. Error: nothing has changed.
  Result<void> replace(const config::Configuration& configuration, UniqueFd material);
  // By their index; nullptr: they speak none.
  const TlsContext* find(std::uint32_t listener) const {
    return listener < contexts_.size() ? contexts_[listener].get() : nullptr;
  }
  const TlsClientContext* find_upstream(std::size_t upstream) const {
    return upstream < upstreams_.size() ? upstreams_[upstream].get() : nullptr;
  }

 private:
  std::vector<std::unique_ptr<TlsContext>> contexts_;
  upstream::TlsContexts upstreams_;
};

}  // namespace roundhouse::worker
