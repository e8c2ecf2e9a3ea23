// What dies is replaced, what hangs is ended, what never starts is put aside; and the others never
// notice.
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <regex>

#include "support/instance.h"

namespace roundhouse::test {
namespace {

using std::chrono::milliseconds;

pid_t pid_of(const Response& response) {
  return std::atoi(response.headers.at("worker-pid").c_str());
}

TEST(Supervision, AKilledWorkerIsReplacedAndCounted) {
  Instance instance("hello: {workers: 2}");
  ASSERT_TRUE(instance.all_ready("hello", 2));
  const pid_t victim = instance.worker_pids(2)[1];
  ASSERT_GT(victim, 0);
  ::kill(victim, SIGKILL);
  EXPECT_TRUE(instance.process().prints("worker 2 (pid " + std::to_string(victim) +
                                        ") died: killed by SIGKILL after"));
  EXPECT_TRUE(instance.metric_reaches(
      R"(roundhouse_worker_crashes_total{pool="hello",worker="2",signal="SIGKILL"})", 1));
  EXPECT_TRUE(instance.metric_reaches(
      R"(roundhouse_worker_restarts_total{pool="hello",worker="2",reason="crash"})", 1));
  ASSERT_TRUE(instance.all_ready("hello", 2));
  const pid_t replacement = instance.worker_pids(2)[1];
  EXPECT_NE(replacement, victim);
  EXPECT_TRUE(eventually([&] { return pid_of(get(instance.web())) == replacement; }));
}

TEST(Supervision, CountersSurviveACrash) {
  Instance instance("hello: {workers: 1}");
  for (int i = 0; i < 5; ++i) get(instance.web());
  ASSERT_TRUE(
      instance.metric_reaches(R"(roundhouse_worker_requests_total{pool="hello",worker="1"})", 5));
  ::kill(instance.worker_pids(1)[0], SIGKILL);
  ASSERT_TRUE(instance.process().prints("died: killed by SIGKILL"));
  EXPECT_EQ(get(instance.web()).status, 200) << "it waited in the backlog for the replacement";
  EXPECT_TRUE(
      instance.metric_reaches(R"(roundhouse_worker_requests_total{pool="hello",worker="1"})", 6));
}

TEST(Supervision, ACrashTellsTheRequestThatWasServedAndWhere) {
  Instance instance("hello: {workers: 1}");
  get(instance.web(), "/die");
  EXPECT_TRUE(instance.process().prints("killed by SIGSEGV after"));
  EXPECT_TRUE(instance.process().prints("serving GET /die")) << instance.process().output();
  EXPECT_TRUE(instance.process().prints("addr2line -Cfpe roundhouse 0x"))
      << instance.process().output();
  EXPECT_EQ(get(instance.web()).status, 200);
}

TEST(Supervision, AWorkerThatDiesOverAndOverBacksOffAndRecovers) {
  Instance instance(
      "hello: {workers: 1, restart: {burst: 2, refill: 1s, backoff_min: 50ms, backoff_max: "
      "200ms}}");
  for (int i = 0; i < 5; ++i) get(instance.web(), "/die");
  EXPECT_TRUE(instance.process().prints("; next start at once"));
  EXPECT_TRUE(std::regex_search(instance.process().output(), std::regex("next start in [0-9]+ms")))
      << instance.process().output();
  EXPECT_EQ(get(instance.web()).status, 200);
  EXPECT_EQ(instance.process().output().find("quarantined"), std::string::npos)
      << "it was ready each time";
}

TEST(Supervision, WhatNeverStartsIsQuarantinedAndProbedWhileTheOthersServe) {
  TemporaryDirectory directory;
  // Worker 2 fails until the file is there.
  const std::string script = directory.write(
      "sometimes.sh", "#!/bin/sh\nif [ $ROUNDHOUSE_WORKER_ID = 2 ] && [ ! -e " + directory.path() +
                          "/well ]; then exit 3; fi\nexec " + scripted_worker("serve") + "\n");
  Instance instance("app: {type: native, command: [/bin/sh, " + script +
                    "], workers: 2, restart: {failed_starts: 3, probe: 500ms, burst: 10}}");
  EXPECT_TRUE(instance.process().prints("quarantined, next try in 500ms"));
  EXPECT_TRUE(
      instance.metric_reaches(R"(roundhouse_pool_workers{pool="app",state="quarantined"})", 1));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(get(instance.web()).body, "scripted worker 1\n");
  directory.write("well", "");
  EXPECT_TRUE(instance.all_ready("app", 2)) << instance.process().output();
}

TEST(Supervision, APoolWhoseWorkersAllFailAtFirstStartEndsTheProgram) {
  Instance instance("app: {type: native, command: " + scripted_worker("exit 3") + ", workers: 2}",
                    "", {.arguments = {}, .process = {}, .wait = false});
  EXPECT_EQ(instance.process().wait().code, 1);
  const std::string output = instance.process().output();
  EXPECT_NE(output.find("every worker of pool app failed at its first start"), std::string::npos)
      << output;
  EXPECT_NE(output.find("exit code 3, never ready"), std::string::npos) << output;
}

TEST(Supervision, ExitCode125IsNotRestarted) {
  TemporaryDirectory directory;
  const std::string script = directory.write(
      "one.sh", "#!/bin/sh\nif [ $ROUNDHOUSE_WORKER_ID = 2 ]; then exit 125; fi\nexec " +
                    scripted_worker("serve") + "\n");
  Instance instance("app: {type: native, command: [/bin/sh, " + script + "], workers: 2}");
  EXPECT_TRUE(instance.process().prints("exit code 125, never ready; not started again"));
  EXPECT_TRUE(instance.metric_reaches(R"(roundhouse_pool_workers{pool="app",state="failed"})", 1));
}

TEST(Supervision, AHungWorkerIsEndedAndReplacedAndWhatItHadNotTakenIsServedByOthers) {
  Instance instance("hello: {workers: 2, liveness: {suspect: 200ms, replace: 600ms, kill: 200ms}}");
  ASSERT_TRUE(instance.all_ready("hello", 2));
  Client spinner(instance.web());
  ASSERT_TRUE(spinner.send("GET /spin?ms=60000 HTTP/1.1\r\nHost: t\r\n\r\n"));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(get(instance.web()).status, 200);
  EXPECT_TRUE(instance.process().prints("its event loop hung")) << instance.process().output();
  EXPECT_TRUE(instance.process().prints("serving GET /spin"));
  EXPECT_TRUE(instance.all_ready("hello", 2));
}

TEST(Supervision, AStoppedWorkerLosesNoConnectionAndServesAgainWhenContinued) {
  Instance instance("hello: {workers: 2, liveness: {suspect: 20s, replace: 25s}}");
  ASSERT_TRUE(instance.all_ready("hello", 2));
  const pid_t stopped = instance.worker_pids(2)[0];
  ::kill(stopped, SIGSTOP);
  for (int i = 0; i < 10; ++i) {
    const Response response = get(instance.web());
    EXPECT_EQ(response.status, 200);
    EXPECT_NE(pid_of(response), stopped);
  }
  EXPECT_TRUE(instance.metric_reaches(
      R"(roundhouse_handoffs_total{pool="hello",worker="1",result="taken_back"})", 1));
  ::kill(stopped, SIGCONT);
  EXPECT_TRUE(eventually([&] { return pid_of(get(instance.web())) == stopped; }));
}

TEST(Supervision, AStoppedWorkerIsReplacedAtItsLivenessDeadline) {
  Instance instance("hello: {workers: 2, liveness: {suspect: 200ms, replace: 500ms, kill: 200ms}}");
  ASSERT_TRUE(instance.all_ready("hello", 2));
  const pid_t stopped = instance.worker_pids(2)[0];
  ::kill(stopped, SIGSTOP);
  EXPECT_TRUE(instance.process().prints("(pid " + std::to_string(stopped) +
                                        ") died: killed by SIGKILL (its event loop hung)"));
  EXPECT_TRUE(instance.metric_reaches(
      R"(roundhouse_worker_restarts_total{pool="hello",worker="1",reason="hang"})", 1));
  EXPECT_TRUE(instance.all_ready("hello", 2));
}

TEST(Supervision, AStoppedEdgeKillsNobodyWhenItResumes) {
  Instance instance("hello: {workers: 2, liveness: {suspect: 300ms, replace: 600ms}}");
  ASSERT_TRUE(instance.all_ready("hello", 2));
  const auto before = instance.worker_pids(2);
  instance.process().signal(SIGSTOP);
  for (const pid_t pid : before) ::kill(pid, SIGSTOP);  // the whole container is paused
  const auto resume_at =
      std::chrono::steady_clock::now() + milliseconds(1500);  // longer than `replace`
  ASSERT_TRUE(eventually([&] { return std::chrono::steady_clock::now() >= resume_at; }));
  for (const pid_t pid : before) ::kill(pid, SIGCONT);
  instance.process().signal(SIGCONT);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(get(instance.web()).status, 200);
  EXPECT_EQ(instance.worker_pids(2), before);
}

TEST(Supervision, AWorkerThatBreaksTheProtocolIsReplaced) {
  Instance instance("app: {type: native, command: " + scripted_worker("malformed") +
                        ", workers: 1, restart: {burst: 1}}",
                    "", {.arguments = {}, .process = {}, .wait = false});
  EXPECT_TRUE(instance.process().prints("broke the protocol of its channel: it is replaced"));
  EXPECT_TRUE(instance.process().prints("died: killed by SIGKILL (it broke the protocol"));
}

TEST(Supervision, ALyingWorkerHarmsOnlyItsOwnConnections) {
  TemporaryDirectory directory;
  const std::string script = directory.write(
      "liar.sh", "#!/bin/sh\nif [ $ROUNDHOUSE_WORKER_ID = 2 ]; then exec " +
                     scripted_worker("lie") + "; fi\nexec " + scripted_worker("serve") + "\n");
  Instance instance("app: {type: native, command: [/bin/sh, " + script + "], workers: 2}");
  ASSERT_TRUE(instance.all_ready("app", 2));
  int served = 0;
  for (int i = 0; i < 20; ++i)
    served += Client(instance.web(), milliseconds(300)).get("/").status == 200 ? 1 : 0;
  EXPECT_GE(served, 10);
  EXPECT_TRUE(instance.process().running());
}

TEST(Supervision, RecyclesByRequestsOneAtATimeAndCountsNoCrash) {
  Instance instance("hello: {workers: 2, recycle: {requests: 20}}");
  ASSERT_TRUE(instance.all_ready("hello", 2));
  for (int i = 0; i < 120; ++i) EXPECT_EQ(get(instance.web()).status, 200);
  EXPECT_TRUE(instance.metric_reaches(
      R"(roundhouse_worker_restarts_total{pool="hello",worker="1",reason="recycle_requests"})", 1));
  EXPECT_EQ(
      instance.metric(R"(roundhouse_worker_crashes_total{pool="hello",worker="1",signal="none"})"),
      0);
}

TEST(Supervision, AKilledMonitorComesBackAndNothingElseNotices) {
  Instance instance("hello: {workers: 1}");
  get(instance.web());
  ASSERT_TRUE(
      instance.metric_reaches(R"(roundhouse_worker_requests_total{pool="hello",worker="1"})", 1));
  const Finished children =
      run({"pgrep", "-P", std::to_string(instance.process().pid()), "-f", "monitor"});
  ::kill(std::atoi(children.output.c_str()), SIGKILL);
  EXPECT_TRUE(instance.process().prints("the monitor (pid " +
                                        std::to_string(std::atoi(children.output.c_str()))));
  EXPECT_EQ(get(instance.web()).status, 200);
  EXPECT_TRUE(
      instance.metric_reaches(R"(roundhouse_worker_requests_total{pool="hello",worker="1"})", 2));
}

}  // namespace
}  // namespace roundhouse::test
