// The HTTP/2 connections of a worker, and what they share.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string_view>
#include <vector>

#include "config/options.h"
#include "http/http2_head.h"
#include "ipc/messages.h"
#include "ipc/slot.h"
#include "net/deadline_queue.h"
#include "net/event_loop.h"
#include "net/transport.h"
#include "proxy/access_log.h"
#include "proxy/connection_limiter.h"
#include "proxy/date_line.h"
#include "proxy/http2_answer.h"
#include "upstream/http2_output.h"

namespace roundhouse::proxy {

class Handler;
class Http2Session;
struct Http2Workspace;

// Owns the sessions. Everything it is given must outlive it; destroy it outside its own callbacks.
class Http2Server {
 public:
  struct Parts {
    EventLoop& loop;
    DeadlineQueue& deadlines;
    ipc::Slot& slot;
    Handler& handler;
    const std::vector<config::Listener>& listeners;
    AccessLog* access_log;
    std::function<void(std::uint32_t listener)> on_closed;
    DateLine& date_line;
  };

  // A connection that turns out to speak HTTP/2.
  struct Arrival {
    Transport transport;
    std::unique_ptr<TlsFacts> tls;  // nullptr: plain text
    ipc::ConnectionInfo info;
    ConnectionLimiter::Ticket ticket;
  };

  explicit Http2Server(Parts parts);
  Http2Server(const Http2Server&) = delete;
  Http2Server& operator=(const Http2Server&) = delete;
  ~Http2Server();

  // Serves it until it is closed; `received` is what was read of it already.
  void take(Arrival arrival, std::string_view received);
  // Each one is told, and ends when its requests are answered.
  void drain();
  void cut();

  std::size_t open_connections() const { return open_.size(); }

 private:
  friend class Http2Session;
  using Sessions = std::list<Http2Session>;

  std::unique_ptr<Http2Workspace> acquire();
  void release(std::unique_ptr<Http2Workspace> work);
  // Its advance() at the end of the turn.
  void advance_later(Http2Session& session);
  void advance_all();
  void closed(Http2Session& session);

  Parts parts_;
  std::size_t fields_max_;
  http::Http2HeadPool heads_;
  HeadSpace head_space_;
  std::vector<char> input_;  // a read, which is digested before the next one
  std::vector<std::unique_ptr<Http2Workspace>> free_;
  upstream::Http2Output::Pool outputs_;
  Sessions open_;
  Sessions closed_;                        // until the end of the turn
  std::vector<Http2Session*> to_advance_;  // then
  bool draining_ = false;
};

}  // namespace roundhouse::proxy
