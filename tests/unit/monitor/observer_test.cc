#include "monitor/observer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "support/fake_instance.h"
#include "support/process.h"

namespace roundhouse::monitor {
namespace {

using namespace std::chrono_literals;
using test::FakeInstance;
using test::TemporaryDirectory;

constexpr Time kStart{1000s};

// An observer of a fake instance whose processes stand in a folder instead of /proc.
class ObserverTest : public testing::Test {
 protected:
  ObserverTest()
      : instance_(FakeInstance::one_pool(2)),
        observer_(
            Observer::create(instance_.layout(), reopened_board(), ProcessReader(proc_.path()))
                .value()) {}

  ipc::Board reopened_board() {
    return ipc::Board::open(UniqueFd(::dup(instance_.board().fd()))).value();
  }
  Result<void> add_slots(std::size_t first, std::size_t count) {
    std::vector<UniqueFd> fds;
    for (std::size_t i = 0; i < count; ++i) {
      fds.emplace_back(
          ::fcntl(instance_.slot_fd(std::min<std::size_t>(first + i, 1)), F_DUPFD_CLOEXEC, 3));
    }
    return observer_.add_slots(first, fds);
  }
  void set_process(pid_t pid, pid_t parent, int ticks) const {
    const std::string folder = std::to_string(pid);
    proc_.write(folder + "/stat", folder + " (worker) S " + std::to_string(parent) +
                                      " 1 1 0 -1 0 0 0 0 0 " + std::to_string(ticks) +
                                      " 0 0 0 20 0 1 0 1 1 1");
    proc_.write(folder + "/statm", "10 5 1 1 0 1 0");
  }
  const metrics::WorkerValues& first_worker(const metrics::Snapshot& snapshot) {
    return snapshot.pools[0].workers[0];
  }

  TemporaryDirectory proc_;
  FakeInstance instance_;
  Observer observer_;
  const pid_t edge_ = ::getpid();  // who made the board
  const double tick_ = 1.0 / static_cast<double>(::sysconf(_SC_CLK_TCK));
};

TEST_F(ObserverTest, TellsNothingOfASlotBeforeItHasArrived) {
  instance_.slot(0).requests_total = 7;
  EXPECT_FALSE(first_worker(observer_.glance(kStart)).slot.has_value());
  EXPECT_FALSE(observer_.complete());
  ASSERT_TRUE(add_slots(0, 2).has_value());
  EXPECT_TRUE(observer_.complete());
  EXPECT_EQ(first_worker(observer_.glance(kStart)).slot->requests_total, 7U);
}

TEST_F(ObserverTest, RefusesSlotsOfWorkersThatThereAreNot) {
  EXPECT_FALSE(add_slots(1, 2).has_value());
  EXPECT_FALSE(add_slots(3, 0).has_value());
  std::vector<UniqueFd> fds;
  fds.emplace_back(ipc::create_memory("short", 16).value());
  EXPECT_FALSE(observer_.add_slots(0, fds).has_value());
}

TEST_F(ObserverTest, RequestsPerSecondAreThoseOfTheLastSecond) {
  ASSERT_TRUE(add_slots(0, 2).has_value());
  instance_.slot(0).requests_total = 1000;
  observer_.sample(kStart);
  EXPECT_EQ(first_worker(observer_.look(kStart)).requests_per_second, std::nullopt);
  instance_.slot(0).requests_total = 1500;
  observer_.sample(kStart + 2s);
  EXPECT_DOUBLE_EQ(first_worker(observer_.look(kStart + 2s)).requests_per_second.value(), 250);
}

TEST_F(ObserverTest, CpuTimeIsThatOfTheDeadAndTheLiving) {
  instance_.make_ready(0, 4711);
  instance_.worker(0).dead_cpu_ns = 3'000'000'000;
  set_process(4711, edge_, 100);
  const metrics::Snapshot snapshot = observer_.look(kStart);
  EXPECT_DOUBLE_EQ(first_worker(snapshot).usage.cpu_seconds.value(), 3 + 100 * tick_);
  EXPECT_EQ(first_worker(snapshot).usage.resident_bytes,
            5U * static_cast<unsigned>(::sysconf(_SC_PAGESIZE)));
}

TEST_F(ObserverTest, CpuTimeDoesNotGoBackWhileAProcessDies) {
  instance_.make_ready(0, 4711);
  set_process(4711, edge_, 500);
  const double before = first_worker(observer_.look(kStart)).usage.cpu_seconds.value();
  set_process(4711, 1, 500);  // the pid is somebody else's now, and the edge has not reaped yet
  EXPECT_EQ(first_worker(observer_.look(kStart)).usage.cpu_seconds, before);
  EXPECT_EQ(first_worker(observer_.look(kStart)).usage.resident_bytes, std::nullopt);
}

TEST_F(ObserverTest, CpuPercentIsOfOneCpuOverTheLastSecond) {
  instance_.make_ready(0, 4711);
  set_process(4711, edge_, 100);
  observer_.sample(kStart);
  set_process(4711, edge_, 150);
  observer_.sample(kStart + 1s);
  EXPECT_NEAR(first_worker(observer_.look(kStart + 1s)).cpu_percent.value(), 50 * tick_ * 100,
              1e-6);
}

TEST_F(ObserverTest, FairnessIsOfWhatWasGivenAndNotTakenBack) {
  ASSERT_TRUE(add_slots(0, 2).has_value());
  instance_.make_ready(0, 101);
  instance_.make_ready(1, 102);
  observer_.sample(kStart);
  EXPECT_EQ(observer_.look(kStart).pools[0].fairness, std::nullopt);
  instance_.worker(0).given = 40;
  instance_.worker(0).taken_back = 8;
  instance_.worker(1).given = 32;
  observer_.sample(kStart + 1s);
  EXPECT_NEAR(observer_.look(kStart + 1s).pools[0].fairness.value(), 1, 1e-9);
}

TEST_F(ObserverTest, AStalledWorkerIsNotJudged) {
  ASSERT_TRUE(add_slots(0, 2).has_value());
  instance_.make_ready(0, 101);
  instance_.make_ready(1, 102);
  instance_.worker(1).stalled = 1;
  observer_.sample(kStart);
  instance_.worker(0).given = 100;
  observer_.sample(kStart + 1s);
  EXPECT_NEAR(observer_.look(kStart + 1s).pools[0].fairness.value(), 1, 1e-9);
}

TEST_F(ObserverTest, PausedTimeDoesNotGoBackWhenAPauseEndsUnderOurEyes) {
  instance_.listener(0).paused_since_ns = nanoseconds(kStart);
  instance_.listener(0).paused = 1;
  instance_.listener(0).paused_ns[0] = 5'000'000'000;  // the edge has just added it
  const double before = observer_.look(kStart + 5s).listeners[0].paused_seconds[0];
  instance_.listener(0).paused = 0;
  EXPECT_EQ(observer_.look(kStart + 5s).listeners[0].paused_seconds[0], before);
}

}  // namespace
}  // namespace roundhouse::monitor
