// The HTTP servers of a worker: the program's own sessions (proxy::Server), and the handler that
// asks callbacks.
#pragma once

#include <roundhouse/http.h>

#include <array>
#include <functional>
#include <memory>
#include <vector>

#include "config/options.h"
#include "ipc/messages.h"
#include "ipc/slot.h"
#include "net/deadline_queue.h"
#include "net/event_loop.h"
#include "proxy/handler.h"
#include "proxy/server.h"

namespace roundhouse::membership {

class HttpService final : private proxy::Handler {
 public:
  // All outlive it.
  HttpService(EventLoop& loop, ipc::Slot& slot, std::function<void(std::uint32_t)> on_closed);

  // Requests that come by this listener are answered by `handler`.
  void serve(std::uint32_t listener, cluster::http::Handler handler,
             const cluster::http::Options& options);
  void take(UniqueFd fd, const ipc::ConnectionInfo& info) { server_.take(std::move(fd), info); }
  void drain() { server_.drain({}); }
  // Nothing of it stays in the loop. REQUIRES: it drains.
  void stop() { ticker_.stop(); }
  std::size_t open_connections() const { return server_.open_connections(); }

 private:
  std::unique_ptr<proxy::Exchange> on_request(proxy::Client& client) override;

  EventLoop& loop_;
  DeadlineQueue deadlines_;
  Timer ticker_;
  std::vector<config::Listener> listeners_;
  std::array<std::shared_ptr<const cluster::http::Handler>, ipc::kMaxListeners> handlers_;
  proxy::Server server_;
};

}  // namespace roundhouse::membership
