#include "ipc/limits.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <set>

namespace roundhouse::ipc {
namespace {

using namespace std::chrono_literals;

constexpr Limits::Shape kShape{.places = 3, .worker_connections = 100, .by_address = true};
const Time kStart{1h};

Address address(const char* text) { return *Address::parse(std::string(text) + ":1"); }

// As another process has it.
Limits opened(const Limits& limits, const Limits::Shape& shape = kShape) {
  return std::move(Limits::open(UniqueFd(::fcntl(limits.fd(), F_DUPFD_CLOEXEC, 0)), shape).value());
}

class LimitsTest : public testing::Test {
 protected:
  Limits edge = std::move(Limits::create(kShape, kStart).value());
  Limits one = opened(edge);
  Limits two = opened(edge);
  std::uint64_t client = one.key(0, address("10.0.0.1"));
};

TEST_F(LimitsTest, WorkersTakeFromTheSameBuckets) {
  const Pace pace = Pace::of(4, 1min);
  int granted = 0;
  for (int i = 0; i < 10; ++i) {
    granted += one.take_token(client, pace, kStart + 1s).allowed ? 1 : 0;
    granted += two.take_token(client, pace, kStart + 1s).allowed ? 1 : 0;
  }
  EXPECT_EQ(granted, 4);
}

TEST_F(LimitsTest, AKeyIsTheSameInEveryWorkerAndAnotherInEveryInstance) {
  EXPECT_EQ(client, two.key(0, address("10.0.0.1")));
  const Limits other = std::move(Limits::create(kShape, kStart).value());
  EXPECT_NE(client, other.key(0, address("10.0.0.1")));
}

TEST_F(LimitsTest, KeysDifferByScopeAndAddressButNotByPort) {
  EXPECT_EQ(client, one.key(0, *Address::parse("10.0.0.1:2")));
  EXPECT_EQ(client, one.key(0, *Address::parse("[::ffff:10.0.0.1]:2"))) << "mapped is IPv4";
  const std::set<std::uint64_t> keys = {client, one.key(1, address("10.0.0.1")),
                                        one.key(256, address("10.0.0.1")),
                                        one.key(0, address("10.0.0.2")), one.key(0, Address())};
  EXPECT_EQ(keys.size(), 5);
}

TEST_F(LimitsTest, Ipv6ClientsCountByTheir64) {
  EXPECT_EQ(one.key(0, address("[2001:db8:1:2::1]")), one.key(0, address("[2001:db8:1:2:9::9]")));
  EXPECT_NE(one.key(0, address("[2001:db8:1:2::1]")), one.key(0, address("[2001:db8:1:3::1]")));
}

TEST_F(LimitsTest, ConnectionsAreSummedOverThePlaces) {
  one.addresses(0).add(client);
  one.addresses(0).add(client);
  two.addresses(1).add(client);
  EXPECT_EQ(one.connections_of(client), 3);
  EXPECT_EQ(two.connections_of(client), 3);
}

TEST_F(LimitsTest, APlaceIsZeroedBetweenTwoProcessesOfIt) {
  one.addresses(0).add(client);
  two.addresses(1).add(client);
  increment(one.listener_active(0, 2));
  increment(two.listener_active(1, 2));
  edge.clear(0);
  EXPECT_EQ(two.connections_of(client), 1);
  EXPECT_EQ(two.listener_connections(2), 1);
}

TEST_F(LimitsTest, NoWorkerIsBelievedMoreThanItCanHold) {
  one.listener_active(0, 0).store(4'000'000'000);
  increment(two.listener_active(1, 0));
  EXPECT_EQ(two.listener_connections(0), 101);
}

TEST_F(LimitsTest, MemoryOfAnotherShapeOrKindIsRefused) {
  const auto duplicate = [](int fd) { return UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, 0)); };
  EXPECT_FALSE(Limits::open(duplicate(edge.fd()),
                            {.places = 99, .worker_connections = 100, .by_address = true}));
  const UniqueFd zeroes = create_memory("zeroes", 16 * 1024 * 1024).value();
  EXPECT_FALSE(Limits::open(duplicate(zeroes.get()), kShape));
}

TEST_F(LimitsTest, WithoutCountsByAddressTheMemoryIsSmall) {
  const Limits::Shape shape{.places = 1024, .worker_connections = 1'000'000, .by_address = false};
  Limits limits = std::move(Limits::create(shape, kStart).value());
  increment(limits.listener_active(1023, 15));
  EXPECT_EQ(opened(limits, shape).listener_connections(15), 1);
  limits.clear(1023);
  EXPECT_EQ(limits.listener_connections(15), 0);
  EXPECT_LT(::lseek(limits.fd(), 0, SEEK_END), 1024 * 1024);
}

// Processes that hammer one bucket, and are killed in the middle of it.
TEST_F(LimitsTest, ProcessesThatAreKilledLeaveNothingLocked) {
  const Pace pace = Pace::of(1'000'000, 1h);
  for (int round = 0; round < 20; ++round) {
    const pid_t child = ::fork();
    if (child == 0) {
      for (;;) one.take_token(client, pace, kStart + 1s);
    }
    ASSERT_GT(child, 0);
    for (int i = 0; i < 2000; ++i) two.take_token(client, pace, kStart + 1s);
    ::kill(child, SIGKILL);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  }
  EXPECT_TRUE(two.take_token(client, pace, kStart + 2h).allowed);
}

TEST_F(LimitsTest, ProcessesTogetherGetExactlyTheShare) {
  constexpr int kProcesses = 4;
  const Pace pace = Pace::of(2000, 1h);
  int pipe[2];
  ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
  for (int i = 0; i < kProcesses; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      int granted = 0;
      for (int n = 0; n < 3000; ++n)
        granted += one.take_token(client, pace, kStart + 1s).allowed ? 1 : 0;
      const bool told = ::write(pipe[1], &granted, sizeof granted) == sizeof granted;
      ::_exit(told ? 0 : 1);
    }
    ASSERT_GT(child, 0);
  }
  int sum = 0;
  for (int i = 0; i < kProcesses; ++i) {
    int granted = 0;
    ASSERT_EQ(::read(pipe[0], &granted, sizeof granted), static_cast<ssize_t>(sizeof granted));
    sum += granted;
  }
  for (int i = 0; i < kProcesses; ++i) ::wait(nullptr);
  EXPECT_EQ(sum, 2000);
}

}  // namespace
}  // namespace roundhouse::ipc
