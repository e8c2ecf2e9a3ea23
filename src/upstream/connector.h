// One attempt to open a connection to an endpoint.
#pragma once

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
  void on_upstream_ready(Ready ready) override;
  void expired() override;
  void connected(std::unique_ptr<Connection> connection);
  int send_header(Connection& connection) const;  // 0, or an errno
  void fail(http::Failure failure, int error);

  EventLoop& loop_;
  DeadlineQueue& deadlines_;
  Endpoint& endpoint_;
  Waiter& waiter_;
  const Wish wish_;
  Owner& owner_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace roundhouse::upstream
