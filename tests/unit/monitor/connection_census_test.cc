#include "monitor/connection_census.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <vector>

#include "net/listener.h"
#include "support/fake_instance.h"

namespace roundhouse::monitor {
namespace {

using namespace std::chrono_literals;
using test::FakeInstance;

metrics::Layout layout_of(const std::string& type) {
  metrics::Layout layout = FakeInstance::one_pool(2);
  layout.pools[0].type = type;
  layout.pools[0].policy = "none";
  layout.pools[0].tells = type != "listen_fds";
  return layout;
}

// Two workers that listen together. The test accepts for them, and they hold what it has accepted.
class CensusTest : public testing::Test {
 protected:
  ~CensusTest() override {
    for (const pid_t pid : workers_) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
  }
  void set_up(const std::string& type, const std::string& more_addresses = "") {
    instance_ = std::make_unique<FakeInstance>(layout_of(type));
    std::snprintf(instance_->listener(0).addresses, sizeof instance_->listener(0).addresses, "%s%s",
                  listening_.address.to_string().c_str(), more_addresses.c_str());
  }
  void start_worker(std::size_t index, int connections) {
    std::vector<UniqueFd> accepted;
    for (int i = 0; i < connections; ++i) {
      UniqueFd& client = clients_.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      EXPECT_EQ(::connect(client.get(), listening_.address.data(), listening_.address.size()), 0);
      accepted.emplace_back(::accept(listening_.fd.get(), nullptr, nullptr));
      EXPECT_TRUE(accepted.back());
    }
    const pid_t pid = ::fork();
    if (pid == 0) {
      for (;;) ::pause();
    }
    workers_.push_back(pid);
    instance_->make_ready(index, pid);
  }
  metrics::Snapshot census(Time now = Time(1h)) {
    metrics::Snapshot snapshot = instance_->snapshot(now);
    census_.fill_in(snapshot, now);
    return snapshot;
  }
  static std::optional<std::uint64_t> held(const metrics::Snapshot& snapshot, std::size_t worker) {
    return snapshot.pools[0].workers[worker].connections_sampled;
  }

  ListeningSocket listening_ = listen_on(Address::loopback(0), {.backlog = 16}).value();
  std::vector<UniqueFd> clients_;
  std::vector<pid_t> workers_;
  std::unique_ptr<FakeInstance> instance_;
  ConnectionCensus census_;
};

TEST_F(CensusTest, CountsWhatEachWorkerHoldsAndTheListenerInAll) {
  for (const char* type : {"listen_fds", "node"}) {
    census_ = {};
    set_up(type);
    start_worker(0, 3);
    start_worker(1, 2);
    const metrics::Snapshot snapshot = census();
    EXPECT_EQ(held(snapshot, 0), 3U) << type;
    EXPECT_EQ(held(snapshot, 1), 2U) << type;
    EXPECT_EQ(snapshot.listeners[0].active, 5U) << type;
  }
}

TEST_F(CensusTest, OfAPlaceWithoutAProcessOrOneThatCannotBeSeenNothingIsTold) {
  set_up("listen_fds");
  start_worker(0, 1);
  metrics::Snapshot snapshot = census();
  EXPECT_EQ(held(snapshot, 0), 1U);
  EXPECT_EQ(held(snapshot, 1), std::nullopt);
  EXPECT_EQ(snapshot.listeners[0].active, 1U) << "nobody else serves";
  instance_->make_ready(1, 0x7ffffff0);
  snapshot = census(Time(2h));
  EXPECT_EQ(held(snapshot, 1), std::nullopt);
  EXPECT_EQ(snapshot.listeners[0].active, std::nullopt) << "it may hold any number";
}

// Of a second pool, the first of which has places for more generations than one.
TEST_F(CensusTest, AWorkersIndexMayBeFarBeyondTheNumberOfWorkers) {
  set_up("listen_fds");
  start_worker(0, 2);
  metrics::Snapshot snapshot = instance_->snapshot(Time(1h));
  snapshot.pools[0].workers[0].index = 400;
  census_.fill_in(snapshot, Time(1h));
  EXPECT_EQ(held(snapshot, 0), 2U);
  EXPECT_EQ(snapshot.listeners[0].active, 2U);
}

TEST_F(CensusTest, WhereOneAddressIsAPathNothingIsTold) {
  set_up("listen_fds", ", unix:/run/app.sock");
  start_worker(0, 1);
  EXPECT_EQ(held(census(), 0), std::nullopt);
}

TEST_F(CensusTest, WorkersThatTellAreNotCounted) {
  set_up("hello");
  start_worker(0, 1);
  EXPECT_EQ(held(census(), 0), std::nullopt);
}

TEST_F(CensusTest, IsTakenAtMostOnceASecond) {
  set_up("node");
  start_worker(0, 1);
  EXPECT_EQ(held(census(), 0), 1U);
  start_worker(1, 1);
  EXPECT_EQ(held(census(Time(1h) + 999ms), 1), std::nullopt);
  EXPECT_EQ(held(census(Time(2h)), 1), 1U);
}

}  // namespace
}  // namespace roundhouse::monitor
