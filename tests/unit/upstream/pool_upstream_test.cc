// Upstreams whose endpoints are the workers of a pool: who they are, and that a dead one is waited
// for.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "looped_test.h"
#include "net/listener.h"
#include "upstream/cluster.h"
#include "upstream/pool_watch.h"

namespace roundhouse::upstream {
namespace {

using namespace std::chrono_literals;

config::Configuration configuration() {
  config::Configuration made;
  made.pools.resize(2);
  made.pools[0].name = "gateway";
  made.pools[0].workers = 1;
  made.pools[1].name = "app";
  made.pools[1].workers = 3;
  made.pools[1].rows = {.first = 1, .ids = 3};
  made.upstreams.resize(2);
  made.upstreams[0].name = "other";
  made.upstreams[1].name = "site";
  made.upstreams[1].pool = "app";
  made.upstreams[1].first_endpoint = 20;
  return made;
}

TEST(PoolWatch, EndpointsAreTheWorkersThatAreReady) {
  const config::Configuration made = configuration();
  ipc::Board board = ipc::Board::create(4, 0).value();
  for (std::size_t row = 1; row < 4; ++row)
    board.worker(row).port = 5000 + static_cast<std::uint32_t>(row);
  board.worker(1).state = ipc::WorkerState::kReady;
  board.worker(2).state = ipc::WorkerState::kDraining;
  board.worker(3).state = ipc::WorkerState::kReady;
  PoolWatch watch(made, std::move(board));
  ASSERT_EQ(watch.upstreams().size(), 1U);
  EXPECT_TRUE(watch.changed());
  EXPECT_FALSE(watch.changed());
  const auto endpoints = watch.endpoints_of(watch.upstreams()[0]);
  ASSERT_EQ(endpoints.size(), 2U);
  EXPECT_EQ(endpoints[0].name, "app/1");
  EXPECT_EQ(endpoints[1].address.to_string(), "127.0.0.1:5003");
  EXPECT_EQ(endpoints[0].row, 20U);
  EXPECT_EQ(endpoints[1].row, 22U);
}

TEST(PoolWatch, WithoutABoardThereIsNothingToWatch) {
  const config::Configuration made = configuration();
  PoolWatch watch(made, {});
  EXPECT_TRUE(watch.upstreams().empty());
  EXPECT_FALSE(watch.changed());
}

class Asker : public Waiter {
 public:
  void on_connection(std::unique_ptr<Connection> given) override { connection = std::move(given); }
  void on_call(std::unique_ptr<Http2Call>) override { FAIL() << "nothing speaks HTTP/2 here"; }
  void on_no_connection(http::Failure why, EndpointId) override { failure = why; }
  bool answered() const { return connection != nullptr || failure != http::Failure::kNone; }
  std::unique_ptr<Connection> connection;
  http::Failure failure = http::Failure::kNone;
};

class PoolClusterTest : public LoopedTest {
 protected:
  PoolClusterTest() {
    config_.name = "site";
    config_.pool = "app";
    config_.queue.timeout = 300ms;
  }
  void set(const std::vector<Address>& addresses) {
    std::vector<EndpointSpec> specs;
    for (const Address& address : addresses)
      specs.push_back({.address = address, .name = address.to_string()});
    cluster_.set_endpoints(specs);
  }

  Cluster cluster_{{.loop = *loop_, .deadlines = deadlines_, .slot = *slot_, .config = config_}};
  Asker asker_;
};

TEST_F(PoolClusterTest, ARequestWaitsUntilAWorkerIsReady) {
  cluster_.acquire(asker_, {});
  EXPECT_FALSE(asker_.answered());
  const ListeningSocket worker = listen_on(Address::loopback(0), {}).value();
  set({worker.address});
  run_until([&] { return asker_.answered(); });
  EXPECT_NE(asker_.connection, nullptr);
  cluster_.release(std::move(asker_.connection), {});
}

TEST_F(PoolClusterTest, AWorkerThatIsDeadAndNotYetToldSoCostsNoTry) {
  Address dead;
  {
    const ListeningSocket gone = listen_on(Address::loopback(0), {}).value();
    dead = gone.address;
  }
  set({dead});
  cluster_.acquire(asker_, {});
  run_until([&] { return slot_->endpoints[0].connects_total.load() == 1; });
  EXPECT_FALSE(asker_.answered()) << "its replacement is on the way";
  const ListeningSocket replacement = listen_on(Address::loopback(0), {}).value();
  set({replacement.address});
  run_until([&] { return asker_.answered(); });
  EXPECT_NE(asker_.connection, nullptr);
  cluster_.release(std::move(asker_.connection), {});
}

TEST_F(PoolClusterTest, NobodyWaitsLongerThanTheQueueAllows) {
  Address dead;
  {
    const ListeningSocket gone = listen_on(Address::loopback(0), {}).value();
    dead = gone.address;
  }
  set({dead});
  cluster_.acquire(asker_, {});
  run_until([&] { return asker_.answered(); });
  EXPECT_EQ(asker_.failure, http::Failure::kQueueTimeout);
}

}  // namespace
}  // namespace roundhouse::upstream
