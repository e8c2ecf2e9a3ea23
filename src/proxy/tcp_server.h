// The connections of one worker's tcp listeners.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <vector>

#include "config/options.h"
#include "ipc/messages.h"
#include "ipc/slot.h"
#include "net/deadline_queue.h"
#include "net/event_loop.h"
#include "proxy/connection_limiter.h"
#include "proxy/flow.h"
#include "proxy/tcp_session.h"
#include "upstream/cluster.h"

namespace roundhouse::proxy {

// Owns the sessions and what they share. Everything it is given must outlive it; destroy it outside
// its own callbacks: what is open then is cut off.
//
// A drain changes nothing here: nobody can be told that a stream of bytes should end. Sessions go
// on until they end, or the worker does.
class TcpServer {
 public:
  struct Parts {
    EventLoop& loop;
    DeadlineQueue& deadlines;
    ipc::Slot& slot;
    const std::vector<config::Listener>& listeners;  // ConnectionInfo::listener is an index
    std::function<void(std::uint32_t listener)> on_closed;
    DescriptorAllowance* descriptors = nullptr;  // of pipes; nullptr: their own limit is enough
  };

  explicit TcpServer(Parts parts)
      : parts_(std::move(parts)), host_{.descriptors = parts_.descriptors} {}
  TcpServer(const TcpServer&) = delete;
  TcpServer& operator=(const TcpServer&) = delete;

  // Serves it until it is closed, perhaps within this call. One without a ticket is too many for
  // its address, and closed.
  void take(Transport client, const ipc::ConnectionInfo& info, upstream::Cluster& cluster,
            std::optional<ConnectionLimiter::Ticket> ticket);

  // Descriptors are wanted for something better: closes what nobody uses now.
  void give_way() { host_.pipes.drop_free(); }

  std::size_t open_connections() const { return open_.size(); }
  const FlowHost& host() const { return host_; }

 private:
  friend class TcpSession;

  void closed(TcpSession& session);

  Parts parts_;
  FlowHost host_;
  std::list<TcpSession> open_;
  std::list<TcpSession> closed_;  // until the end of the turn
};

}  // namespace roundhouse::proxy
