// Policy rr_kernel, where the kernel lets this process have it; elsewhere what is said instead.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "net/reuseport_rotation.h"
#include "support/instance.h"
#include "support/node_program.h"

namespace roundhouse::test {
namespace {

const char* const kHandedOver =
    R"(roundhouse_handoffs_total{pool="hello",worker="%",result="taken"})";

std::string of_worker(std::string series, int worker) {
  series.replace(series.find('%'), 1, std::to_string(worker));
  return series;
}

std::map<std::string, int> workers_of(const Instance& instance, int requests) {
  std::map<std::string, int> counts;
  for (int i = 0; i < requests; ++i) ++counts[worker_of(get(instance.web()))];
  return counts;
}

using Counts = std::map<std::string, int>;

class KernelRotation : public testing::Test {
 protected:
  const bool possible_ = ReuseportRotation::probe().has_value();
};

TEST_F(KernelRotation, IsExactAndTheEdgeHandsNothingOver) {
  if (!possible_) return;
  // However busy the machine is, nobody is passed over.
  const Instance instance("hello: {workers: 4, policy: rr_kernel, handoff: {stall: 30s}}");
  ASSERT_TRUE(instance.all_ready("hello", 4));
  EXPECT_EQ(workers_of(instance, 100), (Counts{{"1", 25}, {"2", 25}, {"3", 25}, {"4", 25}}));
  EXPECT_TRUE(
      instance.metric_reaches(R"(roundhouse_listener_accepted_total{listener="web"})", 100));
  for (int worker = 1; worker <= 4; ++worker)
    EXPECT_EQ(instance.metric(of_worker(kHandedOver, worker)), 0);
  // It is measured between two looks of the monitor, while there is something to give.
  EXPECT_TRUE(eventually([&] {
    workers_of(instance, 40);
    return instance.metric(R"(roundhouse_fairness_ratio{pool="hello"})") > 0.999;
  }));
}

TEST_F(KernelRotation, ADeadWorkerLosesNoConnectionThatItHadNotTaken) {
  if (!possible_) return;
  Instance instance("hello: {workers: 2, policy: rr_kernel}");
  ASSERT_TRUE(instance.all_ready("hello", 2));
  for (int round = 0; round < 5; ++round) {
    const pid_t pid = instance.worker_pids(2)[0];
    ASSERT_GT(pid, 0);
    ::kill(pid, SIGSTOP);  // so that it takes nothing more
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 10; ++i) {
      clients.push_back(std::make_unique<Client>(instance.web()));
      clients.back()->send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
    }
    ::kill(pid, SIGKILL);
    for (const auto& client : clients) EXPECT_EQ(client->receive().status, 200);
    ASSERT_TRUE(eventually([&] { return instance.worker_pids(2)[0] != pid; }));
    ASSERT_TRUE(instance.all_ready("hello", 2));
  }
  const Counts counts = workers_of(instance, 40);
  EXPECT_EQ(counts.size(), 2U) << "both are in turn again";
}

TEST_F(KernelRotation, AStoppedWorkerIsPassedOver) {
  if (!possible_) return;
  Instance instance(
      "hello: {workers: 2, policy: rr_kernel, liveness: {suspect: 2s, replace: 60s}}");
  ASSERT_TRUE(instance.all_ready("hello", 2));
  const pid_t pid = instance.worker_pids(2)[0];
  ::kill(pid, SIGSTOP);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(worker_of(get(instance.web())), "2");
  ::kill(pid, SIGCONT);
  EXPECT_TRUE(eventually([&] { return worker_of(get(instance.web())) == "1"; }));
}

TEST_F(KernelRotation, WithoutAnyWorkerConnectionsWait) {
  if (!possible_) return;
  Instance instance("hello: {workers: 2, policy: rr_kernel}");
  ASSERT_TRUE(instance.all_ready("hello", 2));
  for (const pid_t pid : instance.worker_pids(2)) ::kill(pid, SIGKILL);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(get(instance.web()).status, 200);
}

TEST_F(KernelRotation, AUnixSocketIsServedByTheEdge) {
  if (!possible_) return;
  const TemporaryDirectory folder;
  const std::string path = "unix:" + folder.path() + "/web.sock";
  const std::string file = folder.write(
      "r.yaml", "listeners: {web: {bind: ['127.0.0.1:0', '" + path +
                    "']}}\npools: {hello: {type: hello, workers: 2, policy: rr_kernel}}\n"
                    "monitor: {bind: off, socket: " +
                    folder.path() + "/control.sock}\n");
  Process process({binary(), "run", "-c", file});
  ASSERT_TRUE(process.prints("worker 2 (pid")) << process.output();
  EXPECT_EQ(get(Address::parse(path).value()).status, 200);
}

TEST_F(KernelRotation, AStopServesWhatHasCome) {
  if (!possible_) return;
  Instance instance("hello: {workers: 2, policy: rr_kernel}");
  ASSERT_TRUE(instance.all_ready("hello", 2));
  Client client(instance.web());
  EXPECT_EQ(client.get("/").status, 200);
  EXPECT_EQ(instance.stop().code, 0);
}

TEST_F(KernelRotation, APortOfAnotherInstanceIsNotShared) {
  if (!possible_) return;
  const Instance first("hello: {workers: 1, policy: rr_kernel}");
  const TemporaryDirectory folder;
  const std::string file = folder.write(
      "r.yaml", "listeners: {web: {bind: '" + first.web().to_string() +
                    "'}}\npools: {hello: {type: hello, workers: 1, policy: rr_kernel}}\n"
                    "monitor: {bind: 127.0.0.1:0, socket: " +
                    folder.path() + "/control.sock}\n");
  const Finished second = run({binary(), "run", "-c", file});
  EXPECT_EQ(second.ended.code, 71);
  EXPECT_NE(second.output.find("Address already in use"), std::string::npos) << second.output;
}

TEST_F(KernelRotation, NodeWorkersAcceptInExactTurn) {
  if (!possible_) return;
  const NodeProgram program("serve().listen(process.env.PORT);");
  Instance instance(program.pool(4, "policy: rr_kernel"));
  ASSERT_TRUE(instance.all_ready("app", 4));
  EXPECT_EQ(workers_of(instance, 40), (Counts{{"1", 10}, {"2", 10}, {"3", 10}, {"4", 10}}));
  EXPECT_EQ(instance.metric(R"(roundhouse_pool_info{pool="app",policy="rr_kernel"})"), 1);
  EXPECT_EQ(instance.metric(R"(roundhouse_worker_connections_total{pool="app",worker="1"})"), -1)
      << "nobody knows";
  EXPECT_EQ(instance.stop().code, 0);
}

TEST_F(KernelRotation, AStopRefusesClientsOfNodeWorkersAndResetsNone) {
  if (!possible_) return;
  const NodeProgram program("serve().listen(process.env.PORT);");
  Instance instance(program.pool(2, "policy: rr_kernel"));
  ASSERT_TRUE(instance.all_ready("app", 2));
  std::atomic<int> served = 0;
  std::atomic<int> lost = 0;
  std::vector<std::jthread> clients;
  for (int i = 0; i < 16; ++i)
    clients.emplace_back([&] {
      for (;;) {
        Client client(instance.web());
        if (!client.connected()) return;
        ++(client.get("/").status == 200 ? served : lost);
      }
    });
  EXPECT_TRUE(eventually([&] { return served > 200; }));
  EXPECT_EQ(instance.stop().code, 0);
  clients.clear();
  EXPECT_EQ(lost, 0);
}

TEST_F(KernelRotation, WhatWaitsForADeadNodeWorkerAnotherServes) {
  if (!possible_) return;
  const NodeProgram program("serve().listen(process.env.PORT);");
  Instance instance(program.pool(2, "policy: rr_kernel"));
  ASSERT_TRUE(instance.all_ready("app", 2));
  for (int round = 0; round < 3; ++round) {
    const pid_t pid = instance.worker_pids(2, "app")[0];
    ::kill(pid, SIGSTOP);
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 10; ++i) {
      clients.push_back(std::make_unique<Client>(instance.web()));
      clients.back()->send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
    }
    ::kill(pid, SIGKILL);
    for (const auto& client : clients) EXPECT_EQ(client->receive().status, 200);
    ASSERT_TRUE(eventually([&] { return instance.worker_pids(2, "app")[0] != pid; }));
    ASSERT_TRUE(instance.all_ready("app", 2));
  }
}

TEST_F(KernelRotation, ANodeProgramOnAnotherPortIsToldSo) {
  if (!possible_) return;
  const NodeProgram program("serve().listen(3999);");
  Instance instance(program.pool(1, "policy: rr_kernel"), "", {.wait = false});
  EXPECT_TRUE(instance.process().prints("with policy rr_kernel both must be the same port"));
  EXPECT_EQ(instance.process().wait().code, 1);
}

TEST_F(KernelRotation, ProgramsWithTheListenersSocketsAcceptInExactTurnToo) {
  if (!possible_) return;
  const std::string pool = "app: {command: " + scripted_program("serve") +
                           ", type: listen_fds, workers: 3, policy: rr_kernel, "
                           "ready: {settle: 10ms}}";
  Instance instance(pool);
  ASSERT_TRUE(instance.all_ready("app", 3));
  std::map<std::string, int> counts;
  for (int i = 0; i < 30; ++i) ++counts[get(instance.web()).body];
  EXPECT_EQ(counts, (Counts{{"program 1\n", 10}, {"program 2\n", 10}, {"program 3\n", 10}}));
  EXPECT_EQ(get(instance.web(), "/env/LISTEN_FDNAMES").body, "web");
  // What waits for the one that dies, its replacement serves.
  for (int i = 0; i < 6; ++i) get(instance.web(), "/die");
  for (int i = 0; i < 12; ++i) EXPECT_EQ(get(instance.web()).status, 200);
}

TEST_F(KernelRotation, WithoutTheCapabilityTheEdgeRotatesAndSaysSo) {
  std::vector<std::string> command = {binary(), "run", "-p",       "0",
                                      "-n",     "2",   "--policy", "rr_kernel"};
  if (::geteuid() == 0) {
    const std::vector<std::string> dropped = {
        "setpriv", "--bounding-set=-bpf,-net_admin,-sys_admin", "--inh-caps=-all"};
    command.insert(command.begin(), dropped.begin(), dropped.end());
  }
  const TemporaryDirectory folder;
  const std::string file = folder.write(
      "r.yaml", "monitor: {bind: 127.0.0.1:0, socket: " + folder.path() + "/control.sock}\n");
  command.insert(command.end(), {"-c", file});
  Process process(command);
  EXPECT_TRUE(process.prints("policy rr_kernel needs CAP_BPF and CAP_NET_ADMIN, or root"))
      << process.output();
  EXPECT_TRUE(process.prints("2 workers of pool hello, policy rr")) << process.output();
  process.signal(SIGTERM);
  EXPECT_EQ(process.wait().code, 0);
}

}  // namespace
}  // namespace roundhouse::test
