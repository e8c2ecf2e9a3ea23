// Node programs that misbehave, and what pretends to be one.
#include <gtest/gtest.h>

#include <csignal>

#include "support/instance.h"
#include "support/node_program.h"
#include "support/origin.h"

namespace roundhouse::test {
namespace {

using std::chrono::milliseconds;

const char* const kServe = "serve().listen(3000);";

class HostileNodeWorker : public testing::TestWithParam<const char*> {};

TEST_P(HostileNodeWorker, IsReplacedAndHarmsNobody) {
  const NodeProgram program(kServe);
  Instance instance(one_node_one_shell(program, GetParam() + std::string("\nexec sleep 60")), "",
                    {.wait = false});
  EXPECT_TRUE(instance.process().prints("worker 2", std::chrono::seconds(30)));
  EXPECT_TRUE(instance.process().prints("broke the protocol of its channel: it is replaced"))
      << GetParam();
  EXPECT_TRUE(instance.process().prints("died: killed by SIGKILL (it broke the protocol"));
  ASSERT_TRUE(instance.process().prints("worker 1 (pid")) << instance.process().output();
  const auto listening = instance.listening();
  ASSERT_EQ(listening.size(), 1u);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(get(listening[0]).body, "worker 1\n");
  EXPECT_TRUE(instance.process().running());
}

INSTANTIATE_TEST_SUITE_P(
    Node, HostileNodeWorker,
    testing::Values(
        "say 'no JSON'", "say ''", R"(say '{"cmd":"NODE_CLUSTER","act":')",
        R"(say '{"cmd":"NODE_CLUSTER","act":"queryServer","port":{},"seq":1}')",
        R"(say '{"cmd":"NODE_CLUSTER","act":"queryServer","port":1}')",
        R"(say '{"cmd":"NODE_HANDLE_ACK"}')",
        R"((printf '{"cmd":"NODE_CLUSTER","x":"'; head -c 1000000 /dev/zero | tr '\0' x; say '"}') >&3)",
        R"(while :; do say '{"cmd":"NODE_CLUSTER","act":"queryServer","index":0,"data":null,"address":null,"port":3000,"addressType":4,"seq":1}'; done)"));

class OddNodeWorker : public testing::TestWithParam<const char*> {};

TEST_P(OddNodeWorker, IsLetAlone) {
  const NodeProgram program(kServe);
  Instance instance(
      one_node_one_shell(program, GetParam() + std::string("\n") + kShellListens + kShellReads));
  EXPECT_TRUE(instance.all_ready("app", 2)) << instance.process().output();
}

INSTANTIATE_TEST_SUITE_P(
    Node, OddNodeWorker,
    testing::Values(
        R"(say '{"cmd":"NODE_CLUSTER","ack":7,"accepted":true,"seq":3}')",
        R"(say '{"cmd":"NODE_CLUSTER","act":"close","key":"none of ours","seq":3}')",
        R"(say '{"cmd":"NODE_FUTURE","deep":[[[{"a":1}]]]}')",
        R"(say '{"cmd":"NODE_CLUSTER","act":"listening","port":9,"addressType":4,"seq":3}')",
        R"((printf '"'; head -c 3000000 /dev/zero | tr '\0' x; say '"') >&3)"));

TEST(NodeFaults, EndlessTalkKeepsTheEdgeFromNothing) {
  const NodeProgram program(kServe);
  Instance instance(one_node_one_shell(program, "while :; do say '\"talk\"'; done"), "",
                    {.wait = true});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(get(instance.web()).body, "worker 1\n");
  instance.process().signal(SIGQUIT);
  EXPECT_EQ(instance.process().wait().code, 0);
}

TEST(NodeFaults, KillsWhileRequestsComeLoseNone) {
  const NodeProgram program(kServe);
  Instance instance(program.pool(2, "restart: {burst: 100}"));
  ASSERT_TRUE(instance.all_ready("app", 2));
  for (int round = 0; round < 8; ++round) {
    const auto workers = instance.worker_pids(2);
    if (const pid_t victim = workers[static_cast<std::size_t>(round % 2)]; victim != 0)
      ::kill(victim, SIGKILL);
    for (int i = 0; i < 6; ++i) EXPECT_EQ(get(instance.web()).status, 200);
  }
}

TEST(NodeFaults, AWorkerThatCrashesAtStartIsQuarantinedWhileTheOthersServe) {
  const NodeProgram program("if (me === 2) throw new Error('no'); serve().listen(3000);");
  Instance instance(program.pool(2, "restart: {failed_starts: 2, probe: 30s}"));
  EXPECT_TRUE(instance.process().prints("quarantined, next try in"));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(get(instance.web()).body, "worker 1\n");
}

TEST(NodeFaults, AProgramThatNeverListensIsToldSo) {
  const NodeProgram program("setInterval(() => {}, 1000);");
  Instance instance(program.pool(1, "timeouts: {ready: 700ms}"), "", {.wait = false});
  EXPECT_TRUE(instance.process().prints("never ready: it never called listen()"))
      << instance.process().output();
  EXPECT_EQ(instance.process().wait().code, 1);
}

TEST(NodeFaults, AProgramThatListensWhereNoListenerIsIsToldWhatToWrite) {
  const std::string port = std::to_string(Origin("").address().port());  // free again
  const NodeProgram program("serve().listen(" + port + ");");
  Instance instance(program.pool(1, "timeouts: {ready: 2s}"), "",
                    {.wait = false,
                     .listener = "pool: app",
                     .more_listeners = ", admin: {bind: '127.0.0.1:0', pool: app}"});
  EXPECT_TRUE(instance.process().prints("set pools.app.listen: {" + port + ": NAME}"));
  EXPECT_TRUE(instance.process().prints("on nothing that a listener serves"));
  EXPECT_EQ(instance.process().wait().code, 1);
}

TEST(NodeFaults, AProgramThatIgnoresTheStopIsKilledAtItsDeadline) {
  const NodeProgram program(
      "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); serve().listen(3000);");
  Instance instance(program.pool(1, "timeouts: {drain: 500ms}"));
  EXPECT_EQ(get(instance.web()).status, 200);
  EXPECT_EQ(instance.stop().code, 0);
  EXPECT_TRUE(instance.process().prints("stopped: killed by SIGKILL"));
}

TEST(NodeFaults, AHungWorkerIsReplacedAndWhatItHadNotTakenIsServed) {
  const NodeProgram program("serve({'/spin': () => { for (;;) {} }}).listen(3000);");
  Instance instance(program.pool(1, "liveness: {unanswered: 600ms}"));
  Client spinner(instance.web());
  ASSERT_TRUE(spinner.send("GET /spin HTTP/1.1\r\nHost: t\r\n\r\n"));
  ASSERT_TRUE(instance.metric_reaches(
      R"(roundhouse_handoffs_total{pool="app",worker="1",result="taken"})", 1));
  EXPECT_EQ(get(instance.web()).status, 200) << "by the replacement";
  EXPECT_TRUE(instance.process().prints("(its event loop hung)"));
}

TEST(NodeFaults, AStoppedWorkerIsReplacedEvenIfItOwesNothing) {
  const NodeProgram program(kServe);
  Instance instance(program.pool(2, "liveness: {unanswered: 700ms}"));
  ASSERT_TRUE(instance.all_ready("app", 2));
  const pid_t stopped = instance.worker_pids(2)[0];
  ::kill(stopped, SIGSTOP);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(get(instance.web()).status, 200);
  EXPECT_TRUE(instance.process().prints("(pid " + std::to_string(stopped) +
                                        ") died: killed by SIGKILL (its event loop hung)"));
  EXPECT_TRUE(instance.all_ready("app", 2));
}

TEST(NodeFaults, AProgramThatForksAClusterOfItsOwnFailsVisibly) {
  const NodeProgram program("cluster.fork();");
  Instance instance(program.pool(1), "", {.wait = false});
  EXPECT_EQ(instance.process().wait().code, 1);
  EXPECT_TRUE(instance.process().prints("cluster.fork is not a function"));
}

}  // namespace
}  // namespace roundhouse::test
