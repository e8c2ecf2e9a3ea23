// Programs that are asked over HTTP whether they are ready, and whether they are well.
#include <gtest/gtest.h>

#include <csignal>
#include <string>

#include "base/clock.h"
#include "support/instance.h"
#include "support/node_program.h"

namespace roundhouse::test {
namespace {

using namespace std::chrono_literals;

std::string pool_of(const std::string& more) {
  return "app: {command: " + scripted_program("serve") + ", workers: 2, " + more + "}";
}

// What a worker answers: the content of DIRECTORY/KIND.ID is the status.
class Asked : public testing::Test {
 protected:
  std::string path(const std::string& kind) const {
    return "/status" + directory_.path() + "/" + kind;
  }
  std::string liveness(const std::string& more) const {
    return "liveness: {path: " + path("well") + ", kill: 2s, " + more + "}";
  }
  void answer(const std::string& kind, int worker, const std::string& status) const {
    directory_.write(kind + "." + std::to_string(worker), status);
  }
  static double hangs(const Instance& instance, int worker) {
    return instance.metric(R"(roundhouse_worker_restarts_total{pool="app",worker=")" +
                           std::to_string(worker) + R"(",reason="hang"})");
  }
  static bool was_asked(const Instance& instance, int worker, const std::string& result,
                        double times) {
    return instance.metric_reaches(
        R"(roundhouse_upstream_probes_total{upstream="app",endpoint="app/)" +
            std::to_string(worker) + R"(",result=")" + result + R"("})",
        times);
  }

  TemporaryDirectory directory_;
};

TEST_F(Asked, AProgramIsReadyWhenItAnswersWellAndNotBefore) {
  answer("up", 2, "503");
  Instance instance(pool_of("ready: {path: " + path("up") + "}"));
  ASSERT_TRUE(was_asked(instance, 2, "failed", 3));
  EXPECT_EQ(instance.metric(R"(roundhouse_worker_state{pool="app",worker="2",state="starting"})"),
            1);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(get(instance.web()).body, "program 1\n");
  answer("up", 2, "302");
  EXPECT_TRUE(instance.all_ready("app", 2));
}

TEST_F(Asked, AProgramThatNeverAnswersWellIsToldWhatWasSeen) {
  answer("up", 2, "503");
  Instance instance(pool_of("ready: {path: " + path("up") + "}, timeouts: {ready: 1s}"));
  EXPECT_TRUE(instance.process().prints("(it was not ready in time: GET " + path("up") +
                                        ": it answered 503), never ready"))
      << instance.process().output();
}

TEST_F(Asked, OneOnAPathOrWithASocketOfOursIsAskedThere) {
  Instance unix_path(pool_of("socket: unix, ready: {path: /up}, " + liveness("interval: 50ms")));
  EXPECT_TRUE(was_asked(unix_path, 1, "well", 3));
  Instance ours(pool_of("type: listen_fds, ready: {path: /up}, " + liveness("interval: 50ms")), "",
                {.arguments = {}, .listener = "via: proxy"});
  EXPECT_TRUE(was_asked(ours, 2, "well", 3));
  EXPECT_TRUE(ours.all_ready("app", 2));
}

TEST_F(Asked, OneThatAnswersBadlyIsReplacedAndTheOthersAreNot) {
  Instance instance(pool_of(liveness("interval: 50ms, failures: 2")));
  ASSERT_TRUE(instance.all_ready("app", 2));
  const pid_t other = instance.worker_pids(2, "app")[1];
  answer("well", 1, "500");
  EXPECT_TRUE(instance.process().prints("died: killed by SIGABRT (GET " + path("well") +
                                        ": it answered 500, 2 times in a row) after "))
      << instance.process().output();
  answer("well", 1, "204");
  EXPECT_TRUE(eventually([&] { return hangs(instance, 1) >= 1; }));
  EXPECT_TRUE(instance.all_ready("app", 2));
  EXPECT_EQ(instance.worker_pids(2, "app")[1], other);
  const Finished status = run({binary(), "status", "app/1", "--socket", instance.control_socket()});
  EXPECT_NE(status.output.find("hang"), std::string::npos) << status.output;
}

TEST_F(Asked, OneThatDoesNotAnswerIsReplaced) {
  Instance instance(pool_of(liveness("interval: 50ms, timeout: 100ms, failures: 2")));
  ASSERT_TRUE(instance.all_ready("app", 2));
  answer("well", 2, "silence");
  EXPECT_TRUE(instance.process().prints(": no answer in time, 2 times in a row) after "))
      << instance.process().output();
  answer("well", 2, "200");
  EXPECT_TRUE(eventually([&] { return hangs(instance, 2) >= 1; }));
  EXPECT_EQ(hangs(instance, 1), 0);
}

TEST_F(Asked, OneThatIsStoppedIsKilledAtOnceSinceItActsOnNothingElse) {
  Instance instance(pool_of(liveness("interval: 50ms, timeout: 100ms, failures: 2")));
  ASSERT_TRUE(instance.all_ready("app", 2));
  ::kill(instance.worker_pids(2, "app")[0], SIGSTOP);
  EXPECT_TRUE(instance.process().prints("died: killed by SIGKILL (GET "))
      << instance.process().output();
  EXPECT_TRUE(eventually([&] { return hangs(instance, 1) >= 1; }));
}

// What was asked before the pause is answered after it, long after its time.
TEST_F(Asked, AMachineThatWasPausedHasNobodyKilled) {
  Instance instance(pool_of(liveness("interval: 20ms, timeout: 1s, failures: 1")));
  ASSERT_TRUE(instance.all_ready("app", 2));
  const std::vector<pid_t> workers = instance.worker_pids(2, "app");
  std::vector<pid_t> all = workers;
  all.push_back(instance.process().pid());
  all.push_back(instance.monitor_pid());
  const auto pass = [](std::chrono::milliseconds time) {
    EXPECT_TRUE(eventually([end = Clock::now() + time] { return Clock::now() >= end; }));
  };
  for (int round = 0; round < 2; ++round) {
    answer("well", 2, "silence");
    pass(100ms);  // until it has been asked
    for (const pid_t pid : all) ::kill(pid, SIGSTOP);
    pass(1600ms);
    answer("well", 2, "200");
    for (const pid_t pid : all) ::kill(pid, SIGCONT);
    const double asked = instance.metric(
        R"(roundhouse_upstream_probes_total{upstream="app",endpoint="app/2",result="well"})");
    ASSERT_TRUE(was_asked(instance, 2, "well", asked + 3));
  }
  EXPECT_EQ(instance.worker_pids(2, "app"), workers);
  EXPECT_EQ(hangs(instance, 1) + hangs(instance, 2), 0);
}

TEST_F(Asked, ANodeProgramBehindProxiesWhoseEventLoopIsBlockedIsReplaced) {
  const NodeProgram program("serve({'/block': () => { for (;;); }}).listen(3000);");
  const std::string pool = program.pool(
      2, "liveness: {path: /well, interval: 50ms, timeout: 300ms, failures: 2, kill: 100ms}");
  Instance instance(pool + ", front: {type: proxy}", "upstreams: {site: {pool: app}}\n",
                    {.listener = "pool: front"});
  ASSERT_TRUE(instance.all_ready("app", 2)) << instance.process().output();
  Client client(instance.web());
  ASSERT_TRUE(client.send("POST /block HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_TRUE(instance.process().prints("(GET /well: no answer in time, 2 times in a row) after "))
      << instance.process().output();
  EXPECT_TRUE(eventually([&] { return hangs(instance, 1) + hangs(instance, 2) == 1; }));
  EXPECT_TRUE(instance.all_ready("app", 2));
}

TEST_F(Asked, TheNextMonitorAsksAndJudgesAsTheOneBefore) {
  Instance instance(pool_of(liveness("interval: 50ms, failures: 2")));
  ASSERT_TRUE(instance.all_ready("app", 2));
  const pid_t before = instance.monitor_pid();
  ::kill(before, SIGKILL);
  ASSERT_TRUE(
      eventually([&] { return instance.monitor_pid() != before && instance.monitor_pid(); }));
  ASSERT_TRUE(was_asked(instance, 2, "well", 2));
  answer("well", 1, "404");
  EXPECT_TRUE(instance.process().prints(": it answered 404, 2 times in a row) after "))
      << instance.process().output();
  EXPECT_EQ(hangs(instance, 2), 0);
}

}  // namespace
}  // namespace roundhouse::test
