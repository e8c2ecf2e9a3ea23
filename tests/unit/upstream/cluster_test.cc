#include "upstream/cluster.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "asker.h"
#include "looped_test.h"

namespace roundhouse::upstream {
namespace {

using namespace std::chrono_literals;

// A listening socket that is never asked to accept: the kernel completes the connections.
class Listening {
 public:
  Listening() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const Address any = Address::loopback(0);
    EXPECT_EQ(::bind(fd_.get(), any.data(), any.size()), 0);
    EXPECT_EQ(::listen(fd_.get(), 16), 0);
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    EXPECT_EQ(::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&bound), &size), 0);
    address_ = Address(reinterpret_cast<sockaddr*>(&bound), size);
  }
  const Address& address() const { return address_; }
  UniqueFd accept() const { return UniqueFd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC)); }
  void close() { fd_.reset(); }

 private:
  UniqueFd fd_;
  Address address_;
};

class ClusterTest : public LoopedTest {
 protected:
  ClusterTest() { config_.name = "api"; }

  void make() {
    cluster_ = std::make_unique<Cluster>(Cluster::Parts{.loop = *loop_,
                                                        .deadlines = deadlines_,
                                                        .slot = *slot_,
                                                        .config = config_,
                                                        .descriptors = &allowance_});
  }
  static EndpointSpec spec(const Address& address, std::uint32_t row) {
    return {.address = address, .name = address.to_string(), .row = row};
  }
  void set(const std::vector<Address>& addresses) {
    std::vector<EndpointSpec> specs;
    for (const Address& address : addresses)
      specs.push_back(spec(address, static_cast<std::uint32_t>(specs.size())));
    cluster_->set_endpoints(specs);
  }
  std::unique_ptr<Connection> get(const Wish& wish = {}) {
    Asker asker;
    cluster_->acquire(asker, wish);
    if (asker.calls_ == 0) run_until([&] { return asker.calls_ > 0; });
    EXPECT_EQ(asker.failure_, http::Failure::kNone);
    return std::move(asker.connection_);
  }
  http::Failure refused(const Wish& wish = {}) {
    Asker asker;
    cluster_->acquire(asker, wish);
    if (asker.calls_ == 0) run_until([&] { return asker.calls_ > 0; });
    if (asker.connection_ != nullptr) cluster_->release(std::move(asker.connection_), {});
    return asker.failure_;
  }
  const ipc::EndpointTraffic& traffic(std::size_t row) const { return slot_->endpoints[row]; }

  DescriptorAllowance allowance_;
  std::unique_ptr<Cluster> cluster_;
};

TEST_F(ClusterTest, AConnectionGivenBackServesTheNextRequest) {
  Listening origin;
  make();
  set({origin.address()});
  auto first = get();
  ASSERT_NE(first, nullptr);
  EXPECT_FALSE(first->reused());
  const Connection* const before = first.get();
  cluster_->release(std::move(first), {.reusable = true, .took = 1ms});
  auto second = get();
  EXPECT_EQ(second.get(), before);
  EXPECT_TRUE(second->reused());
  cluster_->release(std::move(second), {.reusable = true, .took = 1ms});
  EXPECT_EQ(traffic(0).connects_total.load(), 1);
  EXPECT_EQ(traffic(0).requests_total.load(), 2);
  EXPECT_EQ(traffic(0).requests_in_flight.load(), 0);
  EXPECT_EQ(traffic(0).connections_active.load(), 1);
}

TEST_F(ClusterTest, AFreshOneIsNeverAKeptOne) {
  Listening origin;
  make();
  set({origin.address()});
  cluster_->release(get(), {.reusable = true});
  auto fresh = get({.fresh = true});
  EXPECT_FALSE(fresh->reused());
  cluster_->release(std::move(fresh), {});
  EXPECT_EQ(traffic(0).connections_active.load(), 0);
}

TEST_F(ClusterTest, AnIdleConnectionThatTheOtherSideClosesLeavesThePool) {
  Listening origin;
  make();
  set({origin.address()});
  cluster_->release(get(), {.reusable = true});
  origin.accept().reset();
  run_until([&] { return traffic(0).connections_active.load() == 0; });
}

TEST_F(ClusterTest, AnIdleConnectionIsNotKeptForEver) {
  config_.timeouts.keep_alive = 100ms;
  Listening origin;
  make();
  set({origin.address()});
  cluster_->release(get(), {.reusable = true});
  EXPECT_EQ(traffic(0).connections_active.load(), 1);
  run_until([&] { return traffic(0).connections_active.load() == 0; });
}

TEST_F(ClusterTest, OnlyAsManyAreKeptAsThereAreDescriptorsForThem) {
  Listening origin;
  make();
  set({origin.address()});
  allowance_.set_most(1);
  auto one = get();
  auto two = get();
  cluster_->release(std::move(one), {.reusable = true});
  cluster_->release(std::move(two), {.reusable = true});
  EXPECT_EQ(traffic(0).connections_active.load(), 1);
  EXPECT_EQ(allowance_.taken(), 1U);
  auto kept = get();
  EXPECT_TRUE(kept->reused());
  EXPECT_EQ(allowance_.taken(), 0U) << "it is one of a client now";
  cluster_->release(std::move(kept), {.reusable = true});
  cluster_->drop_idle();
  EXPECT_EQ(traffic(0).connections_active.load(), 0);
  EXPECT_EQ(allowance_.taken(), 0U);
}

TEST_F(ClusterTest, NobodyListensIsTold) {
  Listening origin;
  const Address address = origin.address();
  origin.close();
  make();
  set({address});
  EXPECT_EQ(refused(), http::Failure::kConnectFailed);
  EXPECT_EQ(traffic(0).failures_total.load(), 1);
}

TEST_F(ClusterTest, WithoutEndpointsThereIsNoEndpoint) {
  make();
  EXPECT_EQ(refused(), http::Failure::kNoEndpoint);
}

TEST_F(ClusterTest, AnUnhealthyEndpointGetsNothing) {
  Listening origin;
  make();
  EndpointSpec sick = spec(origin.address(), 0);
  sick.healthy = false;
  cluster_->set_endpoints({&sick, 1});
  EXPECT_EQ(refused(), http::Failure::kNoEndpoint);
  sick.healthy = true;
  cluster_->set_endpoints({&sick, 1});
  cluster_->release(get(), {});
}

TEST_F(ClusterTest, OneThatFailsIsLeftAloneAndComesBack) {
  config_.balance = config::Balance::kRr;
  config_.eject.failures = 2;
  config_.eject.base = 300ms;
  Listening good;
  Listening bad;
  const Address dead = bad.address();
  bad.close();
  make();
  set({good.address(), dead});
  while (traffic(1).ejections_total.load() == 0) refused();
  EXPECT_EQ(traffic(1).ejected.load(), 1);
  const auto before = traffic(1).requests_total.load();
  for (int i = 0; i < 10; ++i) cluster_->release(get(), {});
  EXPECT_EQ(traffic(1).requests_total.load(), before);
  run_until([&] { return traffic(1).ejected.load() == 0; });
  for (int i = 0; i < 4; ++i) refused();
  EXPECT_GT(traffic(1).requests_total.load(), before);
}

TEST_F(ClusterTest, TheLastEndpointIsNeverEjected) {
  config_.eject.failures = 1;
  Listening origin;
  make();
  set({origin.address()});
  for (int i = 0; i < 5; ++i) cluster_->release(get(), {.failed = true});
  EXPECT_EQ(traffic(0).ejections_total.load(), 0);
}

TEST_F(ClusterTest, OneThatWasTriedIsAvoidedIfThereIsAnother) {
  Listening one;
  Listening two;
  make();
  set({one.address(), two.address()});
  for (int i = 0; i < 10; ++i) {
    auto first = get();
    const EndpointId tried = Cluster::id_of(first->endpoint());
    cluster_->release(std::move(first), {.reusable = true});
    auto second = get({.avoid = {tried}});
    EXPECT_NE(Cluster::id_of(second->endpoint()), tried);
    cluster_->release(std::move(second), {.reusable = true});
  }
}

TEST_F(ClusterTest, AStickyRequestGoesToItsEndpoint) {
  Listening one;
  Listening two;
  make();
  set({one.address(), two.address()});
  for (int i = 0; i < 10; ++i) {
    auto connection = get({.only = 2});
    EXPECT_EQ(Cluster::id_of(connection->endpoint()), 2);
    cluster_->release(std::move(connection), {.reusable = true});
  }
}

TEST_F(ClusterTest, AFullEndpointMakesRequestsWaitInOrder) {
  config_.max_connections = 1;
  Listening origin;
  make();
  set({origin.address()});
  auto held = get();
  Asker first;
  Asker second;
  cluster_->acquire(first, {});
  cluster_->acquire(second, {});
  EXPECT_EQ(first.calls_ + second.calls_, 0);
  cluster_->release(std::move(held), {.reusable = true});
  EXPECT_EQ(first.calls_, 0) << "never inside release";
  run_until([&] { return first.calls_ > 0; });
  EXPECT_EQ(second.calls_, 0);
  cluster_->release(std::move(first.connection_), {});
  run_until([&] { return second.calls_ > 0; });
  ASSERT_NE(second.connection_, nullptr);
  cluster_->release(std::move(second.connection_), {});
}

TEST_F(ClusterTest, TheQueueHasAnEnd) {
  config_.max_connections = 1;
  config_.queue.depth = 1;
  config_.queue.timeout = 100ms;
  Listening origin;
  make();
  set({origin.address()});
  auto held = get();
  Asker waits;
  cluster_->acquire(waits, {});
  EXPECT_EQ(refused(), http::Failure::kQueueFull);
  run_until([&] { return waits.calls_ > 0; });
  EXPECT_EQ(waits.failure_, http::Failure::kQueueTimeout);
  cluster_->release(std::move(held), {});
}

TEST_F(ClusterTest, OneWhoCancelsIsNotCalled) {
  config_.max_connections = 1;
  Listening origin;
  make();
  set({origin.address()});
  Asker connecting;
  cluster_->acquire(connecting, {});
  cluster_->cancel(connecting);
  auto held = get();
  Asker queued;
  cluster_->acquire(queued, {});
  cluster_->cancel(queued);
  cluster_->release(std::move(held), {});
  cluster_->release(get(), {});
  EXPECT_EQ(connecting.calls_ + queued.calls_, 0);
  EXPECT_EQ(traffic(0).requests_in_flight.load(), 0);
}

TEST_F(ClusterTest, AnEndpointThatLeavesFinishesWhatItHas) {
  Listening one;
  Listening two;
  make();
  set({one.address()});
  auto held = get();
  cluster_->set_endpoints(std::vector{spec(two.address(), 1)});
  auto next = get();
  EXPECT_EQ(Cluster::name_of(next->endpoint()), two.address().to_string());
  EXPECT_EQ(traffic(0).connections_active.load(), 1);
  cluster_->release(std::move(held), {.reusable = true});
  EXPECT_EQ(traffic(0).connections_active.load(), 0) << "it is not kept";
  cluster_->release(std::move(next), {.reusable = true});
}

TEST_F(ClusterTest, RetriesAreCountedWhereTheyFailed) {
  Listening origin;
  make();
  set({origin.address()});
  cluster_->request_begins();
  EXPECT_TRUE(cluster_->take_retry(1));
  EXPECT_EQ(traffic(0).retries_total.load(), 1);
}

}  // namespace
}  // namespace roundhouse::upstream
