// Who gets a connection, by policy; and where the policy comes from.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "support/instance.h"

namespace roundhouse::test {
namespace {

std::string worker_of(const Response& response) {
  const auto id = response.headers.find("worker-id");
  return id == response.headers.end() ? "none" : id->second;
}

TEST(Policy, NoneLetsTheWorkersAcceptForThemselves) {
  Instance instance("hello: {workers: 2, policy: none}");
  ASSERT_TRUE(instance.all_ready("hello", 2));
  for (int i = 0; i < 30; ++i) EXPECT_EQ(get(instance.web()).status, 200);
  EXPECT_TRUE(instance.metric_reaches(R"(roundhouse_listener_accepted_total{listener="web"})", 30));
  EXPECT_EQ(instance.metric(R"(roundhouse_handoffs_total{pool="hello",worker="1",result="taken"})"),
            -1)
      << "nothing is handed off, so the series is absent";
}

TEST(Policy, NoneSurvivesTheDeathOfAWorker) {
  Instance instance("hello: {workers: 2, policy: none}");
  ASSERT_TRUE(instance.all_ready("hello", 2));
  ::kill(instance.worker_pids(2)[0], SIGKILL);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(get(instance.web()).status, 200);
  ASSERT_TRUE(instance.process().prints("died: killed by SIGKILL"));
  EXPECT_TRUE(instance.all_ready("hello", 2));
  EXPECT_EQ(instance.stop().code, 0);
}

TEST(Policy, LeastPrefersTheWorkerWithFewestConnections) {
  Instance instance("hello: {workers: 2, policy: least}");
  ASSERT_TRUE(instance.all_ready("hello", 2));
  std::vector<std::unique_ptr<Client>> held;
  std::map<std::string, int> load;
  for (int i = 0; i < 4; ++i) {
    held.push_back(std::make_unique<Client>(instance.web()));
    ++load[worker_of(held.back()->get("/"))];
  }
  EXPECT_EQ(load["1"], 2);
  EXPECT_EQ(load["2"], 2);
  // Free both of worker 1: the next two are its own.
  std::erase_if(held, [](const auto& client) { return worker_of(client->get("/")) == "1"; });
  ASSERT_TRUE(eventually([&] {
    return instance.metric(R"(roundhouse_worker_connections_active{pool="hello",worker="1"})") == 0;
  }));
  for (int i = 0; i < 2; ++i) {
    held.push_back(std::make_unique<Client>(instance.web()));
    EXPECT_EQ(worker_of(held.back()->get("/")), "1");
  }
}

TEST(Policy, StickyKeepsAnAddressWithItsWorker) {
  Instance instance("hello: {workers: 4, policy: sticky}");
  ASSERT_TRUE(instance.all_ready("hello", 4));
  std::set<std::string> workers;
  for (int i = 0; i < 12; ++i) workers.insert(worker_of(get(instance.web())));
  EXPECT_EQ(workers.size(), 1u);
}

TEST(Policy, StickyWarnsOnceThatNearlyAllComeFromOneAddress) {
  Instance instance("hello: {workers: 2, policy: sticky}");
  for (int i = 0; i < 250; ++i) get(instance.web());
  EXPECT_TRUE(instance.process().prints(
      "pool hello is sticky by address, and 200 of 200 connections came from one address, "
      "127.0.0.1: if a balancer stands there, all its clients have one worker; a cookie tells them "
      "apart (upstreams.NAME.sticky.cookie)"));
  for (int i = 0; i < 500; ++i) get(instance.web());
  EXPECT_EQ(instance.stop().code, 0);
  const std::string output = instance.process().output();
  EXPECT_EQ(output.find("is sticky by"), output.rfind("is sticky by")) << "once";
}

TEST(Policy, WithoutStickyItDoesNotMatterWhereConnectionsComeFrom) {
  Instance instance("hello: {workers: 2}");
  for (int i = 0; i < 500; ++i) get(instance.web());
  EXPECT_EQ(instance.stop().code, 0);
  EXPECT_EQ(instance.process().output().find("is sticky by"), std::string::npos);
}

TEST(Policy, TheSeedsEnvironmentVariableWorks) {
  for (const char* variable : {"NODE_CLUSTER_SCHED_POLICY=none", "ROUNDHOUSE_SCHED_POLICY=none"}) {
    Instance instance("hello: {workers: 1}", "", {.process = {.environment = {variable}}});
    EXPECT_NE(instance.process().output().find("policy none"), std::string::npos)
        << instance.process().output();
    EXPECT_EQ(get(instance.web()).status, 200);
  }
}

TEST(Policy, AFlagOverridesTheEnvironment) {
  Instance instance("hello: {workers: 1}", "",
                    {.arguments = {"--policy", "least"},
                     .process = {.environment = {"ROUNDHOUSE_SCHED_POLICY=none"}}});
  EXPECT_NE(instance.process().output().find("policy least"), std::string::npos)
      << instance.process().output();
}

TEST(Policy, ChangingItInARunningInstanceIsRefusedWithTheseWords) {
  Instance instance("hello: {workers: 1}");
  Client control(*Address::parse("unix:" + instance.control_socket()));
  const Response response =
      control.request("POST", "/api/v1/pools/hello/policy", "", R"({"policy": "none"})");
  EXPECT_EQ(response.status, 409);
  EXPECT_NE(response.body.find("frozen"), std::string::npos) << response.body;
}

}  // namespace
}  // namespace roundhouse::test
