// One connection to an endpoint, connected.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/unique_fd.h"
#include "net/deadline_queue.h"
#include "net/event_loop.h"
#include "net/transport.h"

namespace roundhouse::upstream {

class Endpoint;

// Watched edge-triggered for reading and writing, once for its whole life: what a connection costs
// in system calls is paid when it opens. Owned by whoever leases it, or by the pool of its endpoint
// while it is idle. Its endpoint must outlive it.
class Connection final : private IoHandler, private Deadline {
 public:
  // Who leases it. Destroying the connection within the call is allowed only by
  // EventLoop::delete_later.
  class User {
   public:
    virtual void on_upstream_ready(Ready ready) = 0;

   protected:
    ~User() = default;
  };

  Connection(EventLoop& loop, UniqueFd fd, Endpoint& endpoint);
  ~Connection();

  Transport& transport() { return transport_; }
  Endpoint& endpoint() const { return *endpoint_; }
  // It has served a request before: its other end may have closed it meanwhile.
  bool reused() const { return served_ > 0; }
  std::uint32_t served() const { return served_; }
  // Noted by who leased it for who does next: what was large is likely to be so again.
  bool last_was_large() const { return last_was_large_; }
  void set_last_was_large(bool large) { last_was_large_ = large; }
  // nullptr: events are dropped.
  void set_user(User* user) { user_ = user; }
  // Asks the kernel whether the other end has closed or sent something: one system call. REQUIRES:
  // whoever gets false does not use it again.
  bool is_quiet() { return transport_.is_quiet(); }
  // What its ends agreed on (ALPN): "h2"; empty: HTTP/1.1, or whatever the upstream is for.
  std::string_view protocol() const {
    return transport_.is_plain() ? std::string_view() : transport_.facts().protocol;
  }
  // It broke off before it said anything: if TLS tells why, so does the log. A server of TLS 1.3
  // refuses our certificate only after the handshake.
  void report_tls();
  // Of what was moved over it. For counters.
  void count(std::uint64_t sent_bytes, std::uint64_t received_bytes);
  // Closes it so that the other end sees a reset. It is still to be given back.
  void reset();
  // Closes it, and lets go of the endpoint: what is left may be destroyed at any time.
  void retire();

 private:
  friend class Cluster;
  friend class Endpoint;
  void on_ready(Ready ready) override;
  // Nobody will hear of what TLS has taken from the socket already: it is looked at now.
  bool may_rest() { return !transport_.holds_received() || is_quiet(); }
  void expired() override;

  Transport transport_;
  Endpoint* endpoint_;  // nullptr: retired
  IoWatcher watcher_;
  User* user_ = nullptr;
  std::uint32_t served_ = 0;
  bool idle_ = false;
  bool last_was_large_ = false;
};

}  // namespace roundhouse::upstream
