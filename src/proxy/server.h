// All client connections of one worker.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/options.h"
#include "ipc/messages.h"
#include "ipc/slot.h"
#include "net/deadline_queue.h"
#include "net/event_loop.h"
#include "net/tls_context.h"
#include "proxy/access_log.h"
#include "proxy/connection_limiter.h"
#include "proxy/date_line.h"
#include "proxy/handler.h"
#include "proxy/header_gate.h"
#include "proxy/http2_server.h"
#include "proxy/session.h"
#include "proxy/tcp_server.h"
#include "upstream/cluster.h"

namespace roundhouse::proxy {

// Owns the sessions and the buffers that they share, those of tcp listeners too. Everything it is
// given must outlive it; destroy it outside its own callbacks.
class Server {
 public:
  struct Parts {
    EventLoop& loop;
    DeadlineQueue& deadlines;
    ipc::Slot& slot;
    Handler& handler;
    const std::vector<config::Listener>& listeners;  // ConnectionInfo::listener is an index
    // Of a tcp listener, by its upstream's name; needed only where there is one.
    std::function<upstream::Cluster*(std::string_view upstream)> find_cluster;
    AccessLog* access_log = nullptr;
    std::function<void(std::uint32_t listener)> on_closed;
    ConnectionLimiter* limiter = nullptr;        // nullptr: every address may have any number
    DescriptorAllowance* descriptors = nullptr;  // of pipes; nullptr: their own limit is enough
    // Idle connections for others to go on with, which it then closes; false: not now. Empty:
    // nobody wants any.
    std::function<bool(std::span<const ipc::ConnectionInfo> connections,
                       std::span<const int> descriptors)>
        give_back = {};
    // Of a listener whose options say that it speaks TLS.
    std::function<const TlsContext*(std::uint32_t listener)> find_tls = {};
  };

  explicit Server(Parts parts);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  // Serves it until it is closed: what has already come is answered within this call. One that is
  // too many for its address is answered with 503 and closed. Where the listener expects a header
  // of the PROXY protocol all that happens once it has come.
  void take(UniqueFd fd, const ipc::ConnectionInfo& info);
  // Connections that are wanted back are given back as soon as they are idle. Each other one ends
  // after its next answer, or when it stays idle for a moment; those of tcp listeners, which cannot
  // be told, go on.
  void drain(const ipc::DrainTerms& terms);
  // Of what still goes on only tunnels, and connections of tcp listeners, may.
  void cut_requests();

  // Descriptors are wanted for something better: closes what nobody uses now.
  void give_way() { tcp_.give_way(); }

  bool draining() const { return draining_; }
  std::size_t open_connections() const {
    return gate_.waiting() + open_.size() + http2_.open_connections() + tcp_.open_connections();
  }
  std::size_t free_workspaces() const { return free_.size(); }

 private:
  friend class Session;
  using Sessions = std::list<Session>;

  void admit(UniqueFd fd, const ipc::ConnectionInfo& info);
  std::unique_ptr<Workspace> acquire();
  void release(std::unique_ptr<Workspace> workspace);
  void closed(Session& session);
  // Its connection is not its any more.
  void let_go(Session& session);
  Transport transport_for(UniqueFd fd, std::uint32_t listener) const;
  bool gives_back(std::uint32_t listener) const;
  void give_back_later();
  void give_back_idle();
  bool give_back(std::span<Session* const> sessions);

  Parts parts_;
  http::HeadLimits largest_limits_;
  TcpServer tcp_;
  DateLine date_line_;
  Http2Server http2_;
  HeaderGate gate_;
  Sessions open_;
  Sessions closed_;  // until the end of the turn
  std::vector<std::unique_ptr<Workspace>> free_;
  std::vector<char> scratch_;  // for bytes that are read to be dropped
  bool draining_ = false;
  Time drain_began_{};
  ipc::DrainTerms terms_;
  Timer give_back_again_;
  bool giving_back_ = false;  // at the end of the turn
};

}  // namespace roundhouse::proxy
