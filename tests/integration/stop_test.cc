// Stopping: what has begun is finished, nothing outlives the edge.
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <vector>

#include "support/instance.h"

namespace roundhouse::test {
namespace {

using std::chrono::milliseconds;

bool alive(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  return std::getline(stat, line) && line.find(") Z") == std::string::npos;
}

TEST(Stop, TermFinishesARequestThatHadBegunAndExitsWithZero) {
  Instance instance("hello: {workers: 2}");
  Client slow(instance.web());
  ASSERT_TRUE(slow.send("GET /sleep?ms=500 HTTP/1.1\r\nHost: t\r\n\r\n"));
  ASSERT_TRUE(eventually([&] {
    return instance.metric(R"(roundhouse_worker_requests_in_flight{pool="hello",worker="1"})") +
               instance.metric(
                   R"(roundhouse_worker_requests_in_flight{pool="hello",worker="2"})") ==
           1;
  }));
  instance.process().signal(SIGTERM);
  const Response response = slow.receive();
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.at("connection"), "close");
  EXPECT_TRUE(slow.at_end());
  const Ended ended = instance.process().wait();
  EXPECT_EQ(ended.code, 0);
  EXPECT_EQ(ended.signal, 0);
}

// Connected, as the client sees it, but the kernel still waits for its first bytes.
TEST(Stop, ARequestThatWasOnItsWayIsAnswered) {
  Instance instance("hello: {workers: 2}");
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(std::make_unique<Client>(instance.web()));
  instance.process().signal(SIGTERM);
  for (const auto& client : clients) EXPECT_TRUE(client->send("GET / HTTP/1.1\r\nHost: t\r\n\r\n"));
  for (const auto& client : clients) EXPECT_EQ(client->receive().status, 200);
  EXPECT_EQ(instance.process().wait().code, 0);
}

TEST(Stop, QuitSaysThatItCuts) {
  Instance instance("hello: {workers: 1}");
  instance.process().signal(SIGQUIT);
  EXPECT_TRUE(instance.process().prints("SIGQUIT: stopping at once"));
  EXPECT_EQ(instance.process().wait().code, 0);
}

TEST(Stop, AnIdleConnectionIsClosedAndOneThatAsksOnceMoreIsAnswered) {
  Instance instance("hello: {workers: 1}");
  Client idle(instance.web());
  Client asks(instance.web());
  ASSERT_EQ(idle.get("/").status, 200);
  ASSERT_EQ(asks.get("/").status, 200);
  instance.process().signal(SIGTERM);
  ASSERT_TRUE(instance.process().prints("SIGTERM: stopping"));
  Response last;
  do {  // the drain begins a moment later
    last = asks.get("/");
    ASSERT_EQ(last.status, 200);
  } while (!last.headers.contains("connection"));
  EXPECT_EQ(last.headers.at("connection"), "close");
  EXPECT_TRUE(idle.at_end());
  EXPECT_EQ(instance.process().wait().code, 0);
}

TEST(Stop, ASecondTermEndsAtOnce) {
  Instance instance("hello: {workers: 1}");
  Client slow(instance.web());
  ASSERT_TRUE(slow.send("GET /sleep?ms=20000 HTTP/1.1\r\nHost: t\r\n\r\n"));
  ASSERT_TRUE(instance.metric_reaches(
      R"(roundhouse_worker_requests_in_flight{pool="hello",worker="1"})", 1));
  instance.process().signal(SIGTERM);
  ASSERT_TRUE(instance.process().prints("SIGTERM: stopping"));
  EXPECT_TRUE(eventually([&] {
    instance.process().signal(SIGTERM);
    return instance.process().prints("SIGTERM: stopping at once", milliseconds(100));
  }));
  EXPECT_EQ(instance.process().wait(milliseconds(10'000)).code, 0);
}

TEST(Stop, TheSameRequestTwiceInATrainIsOne) {
  Instance instance("hello: {workers: 1}");
  Client slow(instance.web());
  ASSERT_TRUE(slow.send("GET /sleep?ms=300 HTTP/1.1\r\nHost: t\r\n\r\n"));
  ASSERT_TRUE(instance.metric_reaches(
      R"(roundhouse_worker_requests_in_flight{pool="hello",worker="1"})", 1));
  // As coreutils' timeout does: to the process, then to its group. Stopped meanwhile, so that it
  // meets both at once however busy the machine is.
  instance.process().signal(SIGSTOP);
  instance.process().signal(SIGTERM);
  instance.process().signal(SIGINT);
  instance.process().signal(SIGCONT);
  EXPECT_EQ(slow.receive().status, 200);
  EXPECT_EQ(instance.process().wait().code, 0);
}

TEST(Stop, WhatDoesNotFinishIsCutAtTheDeadline) {
  Instance instance("hello: {workers: 1}", "shutdown: {deadline: 500ms}");
  Client slow(instance.web());
  ASSERT_TRUE(slow.send("GET /sleep?ms=60000 HTTP/1.1\r\nHost: t\r\n\r\n"));
  ASSERT_TRUE(instance.metric_reaches(
      R"(roundhouse_worker_requests_in_flight{pool="hello",worker="1"})", 1));
  EXPECT_EQ(instance.stop().code, 0);
  EXPECT_FALSE(slow.receive().complete);
}

TEST(Stop, WithADelayItGoesOnAcceptingAndSaysItIsNotReady) {
  Instance instance("hello: {workers: 1}", "shutdown: {delay: 1500ms}");
  instance.process().signal(SIGTERM);
  ASSERT_TRUE(instance.process().prints("SIGTERM: stopping"));
  EXPECT_TRUE(eventually([&] { return get(instance.monitor(), "/readyz").status == 503; }));
  EXPECT_EQ(get(instance.web()).status, 200);
  EXPECT_EQ(instance.process().wait().code, 0);
}

TEST(Stop, NoWorkerOutlivesAKilledEdge) {
  Instance instance("hello: {workers: 2}");
  ASSERT_TRUE(instance.all_ready("hello", 2));
  const auto workers = instance.worker_pids(2);
  instance.process().signal(SIGKILL);
  instance.process().wait();
  for (const pid_t pid : workers) EXPECT_TRUE(eventually([&] { return !alive(pid); })) << pid;
}

TEST(Stop, ADeafWorkerIsKilledAtTheDeadline) {
  Instance instance("app: {type: native, command: " + scripted_worker("deaf") + ", workers: 1}",
                    "shutdown: {deadline: 400ms}");
  EXPECT_EQ(instance.stop().code, 0);
}

TEST(Stop, ATermToOneWorkerDrainsItAndAnotherTakesItsPlace) {
  Instance instance("hello: {workers: 2}");
  ASSERT_TRUE(instance.all_ready("hello", 2));
  const pid_t asked = instance.worker_pids(2)[0];
  ::kill(asked, SIGTERM);
  EXPECT_TRUE(instance.process().prints("worker 1 drains: it was asked to stop"));
  EXPECT_TRUE(eventually([&] { return !alive(asked); }));
  EXPECT_TRUE(instance.all_ready("hello", 2));
  EXPECT_EQ(
      instance.metric(R"(roundhouse_worker_crashes_total{pool="hello",worker="1",signal="none"})"),
      0);
}

}  // namespace
}  // namespace roundhouse::test
