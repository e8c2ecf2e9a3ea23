// One attempt to open a connection to an endpoint: until its first byte may be sent.
//
// Step by step: the socket connects; then, where the upstream is spoken to under TLS, both sides
// shake hands. One deadline is for all of it.
#pragma once

#include <cstdint>
#include <memory>

#include "base/clock.h"
#include "http/failure.h"
#include "net/deadline_queue.h"
#include "net/event_loop.h"
#include "upstream/cluster.h"
#include "upstream/connection.h"
#include "upstream/endpoint.h"

namespace roundhouse::upstream {

class Connector final : private Connection::User, private Deadline {
 public:
  // Exactly one call, perhaps inside start(). The connector may be destroyed by
  // EventLoop::delete_later alone.
  class Owner {
   public:
    virtual void on_connected(Connector& connector, std::unique_ptr<Connection> connection) = 0;
    // `ours`: for want of descriptors, ports or memory here: says nothing about the endpoint.
    virtual void on_connect_failed(Connector& connector, http::Failure failure, bool ours) = 0;

   protected:
    ~Owner() = default;
  };

  Connector(EventLoop& loop, DeadlineQueue& deadlines, Endpoint& endpoint, Waiter& waiter,
            const Wish& wish, Owner& owner)
      : loop_(loop),
        deadlines_(deadlines),
        endpoint_(endpoint),
        waiter_(waiter),
        wish_(wish),
        owner_(owner) {}

  void start(Duration timeout);
  // No call will follow.
  void abandon();

  Endpoint& endpoint() const { return endpoint_; }
  Waiter& waiter() const { return waiter_; }
  const Wish& wish() const { return wish_; }

 private:
  enum class Step : std::uint8_t { kConnect, kHandshake };

  void on_upstream_ready(Ready ready) override;
  void expired() override;
  void connected();
  void shake_hands();
  bool speaks_as_wanted() const;
  void succeed();
  void give_up(http::Failure failure, int error);
  int send_header() const;  // 0, or an errno
  void fail(http::Failure failure, int error);

  EventLoop& loop_;
  DeadlineQueue& deadlines_;
  Endpoint& endpoint_;
  Waiter& waiter_;
  const Wish wish_;
  Owner& owner_;
  std::unique_ptr<Connection> connection_;
  Step step_ = Step::kConnect;
};

}  // namespace roundhouse::upstream
