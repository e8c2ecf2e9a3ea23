#include "edge/scheduler.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <map>
#include <set>

namespace roundhouse::edge {
namespace {

using config::Policy;

// Workers whose eligibility and load a test sets.
struct FakeWorkers {
  std::set<std::size_t> out;
  std::map<std::size_t, std::uint64_t> load;

  Scheduler::Workers view() {
    return {.eligible = [this](std::size_t worker) { return !out.contains(worker); },
            .load = [this](std::size_t worker) { return load[worker]; }};
  }
};

Scheduler with_workers(Policy policy, std::size_t workers, std::size_t listeners) {
  Scheduler scheduler(policy, 0, listeners);
  for (std::size_t worker = 0; worker < workers; ++worker) scheduler.enter(worker);
  return scheduler;
}

ipc::ConnectionInfo from(std::uint32_t listener) {
  ipc::ConnectionInfo info{};
  info.listener = listener;
  return info;
}

ipc::ConnectionInfo from_peer(std::uint32_t host, std::uint16_t port = 0) {
  ipc::ConnectionInfo info{};
  info.peer_family = AF_INET;
  info.peer_port = port;
  for (std::size_t i = 0; i < 4; ++i)
    info.peer_host[i] = static_cast<std::uint8_t>(host >> (8 * (3 - i)));
  return info;
}

TEST(Scheduler, RrBeginsAtTheFirstWorkerAndRotatesStrictly) {
  Scheduler scheduler = with_workers(Policy::kRr, 4, 1);
  FakeWorkers workers;
  for (std::size_t i = 0; i < 40; ++i) EXPECT_EQ(scheduler.choose(from(0), workers.view()), i % 4);
}

TEST(Scheduler, RrKeepsARotationForEachListener) {
  Scheduler scheduler = with_workers(Policy::kRr, 3, 2);
  FakeWorkers workers;
  EXPECT_EQ(scheduler.choose(from(0), workers.view()), 0u);
  EXPECT_EQ(scheduler.choose(from(0), workers.view()), 1u);
  EXPECT_EQ(scheduler.choose(from(1), workers.view()), 0u);
  EXPECT_EQ(scheduler.choose(from(0), workers.view()), 2u);
  EXPECT_EQ(scheduler.choose(from(1), workers.view()), 1u);
}

TEST(Scheduler, RrSkipsWhoIsNotEligibleAndComesBackToIt) {
  Scheduler scheduler = with_workers(Policy::kRr, 3, 1);
  FakeWorkers workers{.out = {1}, .load = {}};
  EXPECT_EQ(scheduler.choose(from(0), workers.view()), 0u);
  EXPECT_EQ(scheduler.choose(from(0), workers.view()), 2u);
  EXPECT_EQ(scheduler.choose(from(0), workers.view()), 0u);
  workers.out.clear();
  EXPECT_EQ(scheduler.choose(from(0), workers.view()), 1u);
}

TEST(Scheduler, NobodyEligibleIsNobodyAndDoesNotMoveTheRotation) {
  for (const Policy policy : {Policy::kRr, Policy::kLeast, Policy::kSticky}) {
    Scheduler scheduler = with_workers(policy, 2, 1);
    FakeWorkers workers{.out = {0, 1}, .load = {}};
    EXPECT_EQ(scheduler.choose(from(0), workers.view()), std::nullopt);
    workers.out = {};
    if (policy != Policy::kSticky) {
      EXPECT_EQ(scheduler.choose(from(0), workers.view()), 0u);
    }
  }
}

TEST(Scheduler, UnderNoneWhatIsGivenBackGoesRound) {
  Scheduler scheduler = with_workers(Policy::kNone, 2, 1);
  FakeWorkers workers;
  EXPECT_EQ(scheduler.choose(from(0), workers.view()), 0u);
  EXPECT_EQ(scheduler.choose(from(0), workers.view()), 1u);
}

TEST(Scheduler, RrGoesOnWithTheSuccessorsOfThoseThatHaveLeft) {
  Scheduler scheduler(Policy::kRr, 2, 1);
  FakeWorkers workers;
  scheduler.enter(0);
  scheduler.enter(1);
  EXPECT_EQ(scheduler.choose(from(0), workers.view()), 0u);
  scheduler.enter(2);
  scheduler.leave(0);
  EXPECT_EQ(scheduler.choose(from(0), workers.view()), 1u);
  EXPECT_EQ(scheduler.choose(from(0), workers.view()), 2u);
  EXPECT_EQ(scheduler.choose(from(0), workers.view()), 1u);
}

TEST(Scheduler, StickyPeersOfAWorkerGoToItsSuccessor) {
  Scheduler before(Policy::kSticky, 4, 1);
  Scheduler after(Policy::kSticky, 4, 1);
  for (std::size_t place = 0; place < 4; ++place) {
    before.enter(place);
    after.enter(4 + place);
  }
  FakeWorkers workers;
  for (std::uint32_t host = 1; host < 50; ++host) {
    const auto was = before.choose(from_peer(host), workers.view());
    EXPECT_EQ(after.choose(from_peer(host), workers.view()), *was + 4);
  }
}

TEST(Scheduler, LeastTakesTheEligibleWorkerWithFewestOpen) {
  Scheduler scheduler = with_workers(Policy::kLeast, 4, 1);
  FakeWorkers workers{.out = {}, .load = {{0, 9}, {1, 3}, {2, 1}, {3, 5}}};
  EXPECT_EQ(scheduler.choose(from(0), workers.view()), 2u);
  workers.out = {2};
  EXPECT_EQ(scheduler.choose(from(0), workers.view()), 1u);
}

TEST(Scheduler, LeastRotatesAmongEquals) {
  Scheduler scheduler = with_workers(Policy::kLeast, 3, 1);
  FakeWorkers workers;
  for (std::size_t i = 0; i < 9; ++i) EXPECT_EQ(scheduler.choose(from(0), workers.view()), i % 3);
}

TEST(Scheduler, LeastEvensOutUnequalLoads) {
  Scheduler scheduler = with_workers(Policy::kLeast, 3, 1);
  FakeWorkers workers{.out = {}, .load = {{0, 6}, {1, 0}, {2, 3}}};
  for (int i = 0; i < 9; ++i) ++workers.load[*scheduler.choose(from(0), workers.view())];
  EXPECT_EQ(workers.load, (std::map<std::size_t, std::uint64_t>{{0, 6}, {1, 6}, {2, 6}}));
}

TEST(Scheduler, StickyGivesAPeerTheSameWorkerWhateverItsPort) {
  Scheduler scheduler = with_workers(Policy::kSticky, 5, 1);
  FakeWorkers workers;
  for (std::uint32_t host = 0; host < 100; ++host) {
    const auto first = scheduler.choose(from_peer(host, 1), workers.view());
    for (std::uint16_t port = 2; port < 10; ++port)
      EXPECT_EQ(scheduler.choose(from_peer(host, port), workers.view()), first);
  }
}

TEST(Scheduler, StickySpreadsNeighbouringAddressesEvenly) {
  constexpr std::size_t kWorkers = 4;
  constexpr std::uint32_t kPeers = 4000;
  Scheduler scheduler = with_workers(Policy::kSticky, kWorkers, 1);
  FakeWorkers workers;
  std::map<std::size_t, std::uint32_t> given;
  for (std::uint32_t i = 0; i < kPeers; ++i)
    ++given[*scheduler.choose(from_peer(0x0a000000 + i), workers.view())];
  ASSERT_EQ(given.size(), kWorkers);
  for (const auto& [worker, count] : given) {
    EXPECT_GT(count, kPeers / kWorkers * 8 / 10) << worker;
    EXPECT_LT(count, kPeers / kWorkers * 12 / 10) << worker;
  }
}

TEST(Scheduler, StickyMovesOnlyThePeersOfTheWorkerThatIsOutAndBringsThemBack) {
  Scheduler scheduler = with_workers(Policy::kSticky, 4, 1);
  FakeWorkers workers;
  std::map<std::uint32_t, std::size_t> before;
  for (std::uint32_t host = 0; host < 500; ++host)
    before[host] = *scheduler.choose(from_peer(host), workers.view());
  workers.out = {2};
  for (const auto& [host, worker] : before) {
    const std::size_t now = *scheduler.choose(from_peer(host), workers.view());
    if (worker == 2) {
      EXPECT_NE(now, 2u);
    } else {
      EXPECT_EQ(now, worker);
    }
  }
  workers.out = {};
  for (const auto& [host, worker] : before)
    EXPECT_EQ(scheduler.choose(from_peer(host), workers.view()), worker);
}

TEST(Scheduler, StickyKeepsMostPeersWhenAWorkerIsAdded) {
  Scheduler four = with_workers(Policy::kSticky, 4, 1);
  Scheduler five = with_workers(Policy::kSticky, 5, 1);
  FakeWorkers workers;
  int moved = 0;
  for (std::uint32_t host = 0; host < 1000; ++host) {
    const auto before = four.choose(from_peer(host), workers.view());
    const auto after = five.choose(from_peer(host), workers.view());
    if (before == after) continue;
    EXPECT_EQ(after, 4u);
    ++moved;
  }
  EXPECT_LT(moved, 260);
}

TEST(Scheduler, StickyTellsIpv6PeersApartByTheWholeAddress) {
  Scheduler scheduler = with_workers(Policy::kSticky, 4, 1);
  FakeWorkers workers;
  std::set<std::size_t> seen;
  for (std::uint8_t last = 0; last < 64; ++last) {
    ipc::ConnectionInfo info{};
    info.peer_family = AF_INET6;
    info.peer_host[15] = last;
    seen.insert(*scheduler.choose(info, workers.view()));
  }
  EXPECT_EQ(seen.size(), 4u);
}

}  // namespace
}  // namespace roundhouse::edge
