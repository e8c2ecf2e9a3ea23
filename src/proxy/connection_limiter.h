// `connections_per_address` of a listener: how many connections one client address may hold open,
// over all workers of the pool, idle ones included.
//
// What counts is the peer, never what a field says: it is known before a byte is read. So peers
// that speak for many clients, `trusted_proxies`, are not limited. Each worker looks for itself:
// where several take connections of an address in the same moment it may have one too many of each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/network.h"
#include "config/options.h"
#include "ipc/limits.h"
#include "ipc/messages.h"
#include "ipc/slot.h"

namespace roundhouse::proxy {

// Outlives its tickets.
class ConnectionLimiter {
 public:
  struct Parts {
    ipc::Limits* limits = nullptr;  // nullptr: no listener has a limit; else outlives this, as does
                                    // everything here
    std::size_t place = 0;          // of this worker
    ipc::Slot& slot;
    const config::Configuration& configuration;
  };
  explicit ConnectionLimiter(Parts parts) : parts_(parts) {}

  // One connection in the count, until it is released or destroyed.
  class Ticket {
   public:
    Ticket() = default;  // of one that does not count
    Ticket(ConnectionLimiter& limiter, std::uint64_t key) : limiter_(&limiter), key_(key) {}
    Ticket(Ticket&& other) noexcept
        : limiter_(std::exchange(other.limiter_, nullptr)), key_(other.key_) {}
    Ticket& operator=(Ticket&& other) noexcept {
      std::swap(limiter_, other.limiter_);
      std::swap(key_, other.key_);
      return *this;
    }
    ~Ticket() { release(); }
    void release();

   private:
    ConnectionLimiter* limiter_ = nullptr;
    std::uint64_t key_ = 0;
  };

  // None: the address has too many, which is counted as a refused connection.
  std::optional<Ticket> admit(const ipc::ConnectionInfo& info);

 private:
  Parts parts_;
};

}  // namespace roundhouse::proxy
