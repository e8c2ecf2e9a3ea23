// One connection of a tcp listener: a client, an endpoint, and the bytes between them.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>

#include "http/failure.h"
#include "ipc/messages.h"
#include "ipc/slot.h"
#include "net/deadline_queue.h"
#include "net/event_loop.h"
#include "net/transport.h"
#include "proxy/connection_limiter.h"
#include "proxy/flow.h"
#include "upstream/cluster.h"

namespace roundhouse::proxy {

class TcpServer;

// Owned by its TcpServer. Nothing of the client is read before there is an endpoint, so each can be
// replaced by another, within the retry budget, until one takes the connection.
//
// The end of one side is passed on to the other, and the other direction goes on. A reset of one
// side resets the other. Silence both ways for the listener's timeouts.tunnel closes both. A client
// that has ended its side and has no endpoint a moment later is taken for one that has left.
class TcpSession final : private IoHandler,
                         private Deadline,
                         private upstream::Waiter,
                         private upstream::Connection::User {
 public:
  TcpSession(TcpServer& server, Transport client, const ipc::ConnectionInfo& info,
             upstream::Cluster& cluster);
  // One that is not over is cut off.
  ~TcpSession();

  void start();

 private:
  friend class TcpServer;
  enum class State : std::uint8_t {
    kHandshake,   // under TLS
    kConnecting,  // waits for a connection to an endpoint
    kMoving,
    kClosed
  };
  // What both sides see.
  enum class End : std::uint8_t { kClose, kReset };

  void on_ready(Ready ready) override;
  void expired() override;
  void on_connection(std::unique_ptr<upstream::Connection> connection) override;
  void on_call(std::unique_ptr<upstream::Http2Call> call) override;
  void on_no_connection(http::Failure failure, upstream::EndpointId endpoint) override;
  void on_upstream_ready(Ready ready) override;

  void shake_hands();
  void connect();
  void acquire();
  void advance();
  void count_moved();
  void watch();
  void fail(http::Failure failure);
  void endpoint_broke_off();
  void end(End end);
  upstream::Use use() const;
  Duration patience() const;

  TcpServer& server_;
  std::list<TcpSession>::iterator self_;
  upstream::Cluster& cluster_;
  Transport client_;
  IoWatcher watcher_;
  std::unique_ptr<upstream::Connection> endpoint_;
  Flow up_;  // from the client to the endpoint
  Flow down_;
  std::string proxy_header_;  // opens each connection to an endpoint; empty: none does
  upstream::Wish wish_;
  ipc::ConnectionInfo info_;
  ConnectionLimiter::Ticket ticket_;
  ipc::InFlightText* in_flight_ = nullptr;
  std::uint32_t tries_ = 0;
  State state_ = State::kConnecting;
  bool starting_ = false;
  bool answered_ = false;         // a byte of the endpoint has come
  bool endpoint_failed_ = false;  // it broke off before that
};

}  // namespace roundhouse::proxy
