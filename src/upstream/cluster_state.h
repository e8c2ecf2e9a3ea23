// What a Cluster holds: its endpoints, and the requests that wait for one.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <vector>

#include "net/deadline_queue.h"
#include "upstream/balancer.h"
#include "upstream/cluster.h"
#include "upstream/connector.h"
#include "upstream/endpoint.h"
#include "upstream/retry_budget.h"

namespace roundhouse::upstream {

struct Cluster::State final : Connector::Owner {
  explicit State(const Parts& parts);

  void set_endpoints(std::span<const EndpointSpec> specs);
  void acquire(Waiter& waiter, const Wish& wish);
  void cancel(Waiter& waiter);
  void release(std::unique_ptr<Connection> connection, const Use& use);
  void release(std::unique_ptr<Http2Call> call, const Use& use);
  void drop_idle();
  Endpoint* find(EndpointId id);
  std::optional<EndpointId> find_by_token(std::string_view token) const;

  RetryBudget budget;

 private:
  // While somebody waits for a worker of a pool that took no connections.
  struct Wake final : Deadline {
    explicit Wake(State& state) : state(state) {}
    void expired() override { state.wake(); }
    State& state;
  };
  // A request that waits because all endpoints are full, or of its pool no worker is ready.
  struct Waiting final : Deadline {
    Waiting(State& state, Waiter& waiter, const Wish& wish)
        : state(state), waiter(waiter), wish(wish) {}
    void expired() override { state.give_up(*this); }

    State& state;
    Waiter& waiter;
    Wish wish;
  };
  // A request that waits for a connection which others are making, and which may carry many.
  struct Joining {
    Waiter& waiter;
    Wish wish;
    Endpoint& endpoint;
  };
  struct Choice {
    Endpoint* endpoint = nullptr;
    bool full = false;  // wait: all have as many connections as they may have, or will be back
  };

  Choice choose(const Wish& wish);
  Choice choose_from(const Wish& wish);
  bool wait(Waiter& waiter, Wish wish);
  void wake();
  void give(Waiter& waiter, const Wish& wish, Endpoint& endpoint);
  bool may_speak_http2() const;
  bool share(Waiter& waiter, const Wish& wish, Endpoint& endpoint);
  void connect(Waiter& waiter, const Wish& wish, Endpoint& endpoint);
  std::optional<Joining> take_joining(const Endpoint& endpoint);
  void serve_joining(Endpoint& endpoint);
  void fail_joining(Endpoint& endpoint, http::Failure failure, bool ours);
  void settle(Endpoint& endpoint, const Use& use);
  bool may_eject() const;
  void serve_later();
  void serve();
  void give_up(Waiting& waiting);
  void forget(Connector& connector);
  void on_connected(Connector& connector, std::unique_ptr<Connection> connection) override;
  void on_connect_failed(Connector& connector, http::Failure failure, bool ours) override;

  Parts parts_;
  Http2Shared shared_;
  Balancer balancer_;
  std::vector<std::unique_ptr<Endpoint>> endpoints_;
  std::vector<Candidate> candidates_;  // scratch of choose(), as is:
  std::vector<Endpoint*> considered_;
  std::list<std::unique_ptr<Connector>> connecting_;
  std::list<Joining> joining_;
  std::list<Waiting> queue_;
  Wake wake_{*this};
  EndpointId last_id_ = 0;
  bool serving_later_ = false;
};

}  // namespace roundhouse::upstream
