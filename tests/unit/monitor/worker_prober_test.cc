#include "monitor/worker_prober.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <vector>

#include "monitor/monitor.h"
#include "support/fake_instance.h"
#include "support/origin.h"
#include "support/process.h"

namespace roundhouse::monitor {
namespace {

using namespace std::chrono_literals;
using ipc::Command;
using ipc::WorkerState;
using test::Origin;

// A pool of one program, which is an origin of the test at a port of 127.0.0.1.
class WorkerProberTest : public testing::Test {
 protected:
  WorkerProberTest() {
    config::Pool& pool = configuration_.pools.emplace_back();
    pool.name = "app";
    pool.type = config::PoolType::kPort;
    pool.workers = 1;
    pool.rows = {.first = 0, .ids = 1};
    pool.ready.by = config::ReadyBy::kHttp;
    pool.ready.path = "/up";
    pool.liveness = {.path = "/well", .interval = 20ms, .timeout = 200ms, .failures = 2};
    configuration_.upstreams.emplace_back().name = "app";
    configuration_.upstreams.back().pool = "app";
    configuration_.upstreams.back().first_endpoint = 12;
    instance_ = std::make_unique<test::FakeInstance>(layout_of(configuration_));
    auto board = ipc::EndpointBoard::create().value();
    keeper_ = std::make_unique<EndpointKeeper>(
        EndpointKeeper::create(UniqueFd(::fcntl(board.fd(), F_DUPFD_CLOEXEC, 3))).value());
    prober_ = std::make_unique<WorkerProber>(
        WorkerProber::Parts{.loop = *loop_,
                            .configuration = configuration_,
                            .board = instance_->board(),
                            .keeper = *keeper_,
                            .tell = [this](const ipc::CommandMessage& message) {
                              told_.push_back(message);
                              if (told_.size() >= enough_) loop_->stop();
                            }});
    instance_->worker(0).port = origin_.address().port();
  }
  void set_state(WorkerState state, std::int32_t pid = 4711) {
    instance_->worker(0).pid = pid;
    instance_->worker(0).state = state;
  }
  // Until so many things have been told.
  const std::vector<ipc::CommandMessage>& run_until_told(std::size_t count) {
    enough_ = count;
    Timer patience(*loop_, [this] { loop_->stop(); });
    patience.start_once(test::kPatience);
    prober_->start();
    loop_->run();
    return told_;
  }

  std::atomic<int> status_{200};
  std::function<void()> when_asked_ = [] {};  // on a thread of the origin
  Origin origin_{[this](const Origin::Seen&) {
    when_asked_();
    return Origin::Reply{
        .bytes = "HTTP/1.1 " + std::to_string(status_) + " Told\r\nContent-Length: 0\r\n\r\n",
        .then = Origin::Then::kClose};
  }};
  config::Configuration configuration_;
  std::unique_ptr<test::FakeInstance> instance_;
  std::unique_ptr<EventLoop> loop_ = EventLoop::create().value();
  std::unique_ptr<EndpointKeeper> keeper_;
  std::unique_ptr<WorkerProber> prober_;
  std::vector<ipc::CommandMessage> told_;
  std::size_t enough_ = 1;
};

TEST_F(WorkerProberTest, OneThatStartsIsReadyWhenItAnswersWell) {
  set_state(WorkerState::kStarting);
  const auto& told = run_until_told(1);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].command, Command::kWorkerReady);
  EXPECT_EQ(told[0].pool, 0U);
  EXPECT_EQ(told[0].worker, 1U);
  EXPECT_EQ(told[0].pid, 4711);
  EXPECT_TRUE(origin_.seen().at(0).head.starts_with("GET /up HTTP/1.1\r\nHost: localhost\r\n"));
}

TEST_F(WorkerProberTest, WhyItIsNotReadyYetIsToldOnceForEachReason) {
  status_ = 503;
  int asked = 0;
  when_asked_ = [&] {
    if (++asked == 3) status_ = 404;
    if (asked == 5) status_ = 200;
  };
  set_state(WorkerState::kStarting);
  const auto& told = run_until_told(3);
  ASSERT_EQ(told.size(), 3U);
  EXPECT_EQ(told[0].command, Command::kWorkerNotYet);
  EXPECT_EQ(describe(told[0].last), "it answered 503");
  EXPECT_EQ(describe(told[1].last), "it answered 404");
  EXPECT_EQ(told[2].command, Command::kWorkerReady);
}

TEST_F(WorkerProberTest, OneThatIsReadyAndFailsHangs) {
  status_ = 500;
  set_state(WorkerState::kReady);
  const Time before = Clock::now();
  const auto& told = run_until_told(1);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].command, Command::kWorkerHangs);
  EXPECT_EQ(describe(told[0].last), "it answered 500");
  EXPECT_GE(told[0].since_ns, nanoseconds(before));
  EXPECT_LE(told[0].since_ns, nanoseconds(Clock::now()));
  EXPECT_GE(keeper_->board().probes(12).failed, 2U) << "counted as its row";
}

TEST_F(WorkerProberTest, OneWhosePortRefusesHangsToo) {
  origin_.stop();
  set_state(WorkerState::kReady);
  EXPECT_EQ(run_until_told(1).at(0).last,
            (ipc::ProbeFinding{ipc::ProbeEnd::kConnect, ECONNREFUSED}));
}

TEST_F(WorkerProberTest, AnAnswerIsNotHeldAgainstTheNextProcess) {
  status_ = 500;
  int asked = 0;
  when_asked_ = [&] {
    if (++asked == 2) set_state(WorkerState::kReady, 4712);  // before the second one has its answer
  };
  set_state(WorkerState::kReady);
  const auto& told = run_until_told(1);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].pid, 4712);
  EXPECT_GE(asked, 4) << "two failures of its own";
}

TEST_F(WorkerProberTest, PoolsThatAskForNothingHaveNoTargets) {
  EXPECT_FALSE(prober_->idle());
  configuration_.pools[0].ready.by = config::ReadyBy::kConnect;
  configuration_.pools[0].liveness.path = "";
  const WorkerProber none({.loop = *loop_,
                           .configuration = configuration_,
                           .board = instance_->board(),
                           .keeper = *keeper_,
                           .tell = [](const ipc::CommandMessage&) {}});
  EXPECT_TRUE(none.idle());
}

}  // namespace
}  // namespace roundhouse::monitor
