// Connections of listeners with `proxy_protocol: require` whose header has not come yet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "config/options.h"
#include "ipc/messages.h"
#include "ipc/proxy_header_outcome.h"
#include "ipc/slot.h"
#include "net/deadline_queue.h"
#include "net/event_loop.h"

namespace roundhouse::proxy {

// Takes a header off each connection, and nothing behind it: whoever gets the connection finds a
// client's first byte, or a handshake, and the client's address as the peer's. It peeks until the
// header is whole, so that one that waits holds no buffer.
//
// Closed and counted: who is not in `proxy_protocol_from` (unread), who sends anything else, who
// takes longer than `timeouts.handshake`.
class HeaderGate {
 public:
  struct Parts {
    EventLoop& loop;
    DeadlineQueue& deadlines;
    ipc::Slot& slot;
    const std::vector<config::Listener>& listeners;  // ConnectionInfo::listener is an index
    // With `begun` set; perhaps inside take().
    std::function<void(UniqueFd fd, const ipc::ConnectionInfo& info)> on_passed;
    std::function<void(std::uint32_t listener)> on_closed;
  };
  // What is left of the parts must outlive it; destroy it outside its own callbacks.
  explicit HeaderGate(Parts parts) : parts_(std::move(parts)) {}
  HeaderGate(const HeaderGate&) = delete;
  HeaderGate& operator=(const HeaderGate&) = delete;
  ~HeaderGate() = default;

  void take(UniqueFd fd, const ipc::ConnectionInfo& info);
  // Closes what waits: nothing has begun there.
  void cut();
  std::size_t waiting() const { return waiting_.size(); }

 private:
  enum class Step : std::uint8_t { kWaits, kPassed, kClosed };

  class Arrival final : public IoHandler, public Deadline {
   public:
    Arrival(HeaderGate& gate, UniqueFd fd, const ipc::ConnectionInfo& info)
        : gate(gate), fd(std::move(fd)), info(info) {}
    void on_ready(Ready ready) override { gate.advance(*this, ready.ending); }
    void expired() override { gate.finish(*this, ipc::ProxyHeaderOutcome::kTimeout); }

    HeaderGate& gate;
    std::list<Arrival>::iterator self;
    UniqueFd fd;
    ipc::ConnectionInfo info;
    IoWatcher watcher;
  };

  bool is_trusted(const ipc::ConnectionInfo& info) const;
  // kPassed: the header is off, and the info says whose connection it is.
  Step read(int fd, ipc::ConnectionInfo& info, ipc::ProxyHeaderOutcome& outcome);
  void advance(Arrival& arrival, bool ending);
  void finish(Arrival& arrival, ipc::ProxyHeaderOutcome outcome);
  void retire(Arrival& arrival);
  void count(const ipc::ConnectionInfo& info, ipc::ProxyHeaderOutcome outcome);
  void tell(const ipc::ConnectionInfo& info, std::string_view why);

  Parts parts_;
  std::list<Arrival> waiting_;
  std::list<Arrival> retired_;  // until the end of the turn
  Time quiet_until_{};
};

}  // namespace roundhouse::proxy
