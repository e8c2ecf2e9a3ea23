// What a scraper and an operator see of the real program.
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "support/client.h"
#include "support/instance.h"
#include "support/process.h"
#include "support/prometheus.h"

namespace roundhouse::test {
namespace {

using namespace std::chrono_literals;

double sum_of(const Instance& instance, const std::string& name) {
  std::istringstream lines(get(instance.monitor(), "/metrics").body);
  double sum = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(name + "{")) sum += std::stod(line.substr(line.rfind(' ')));
  }
  return sum;
}

TEST(Metrics, EveryFamilyThatCanBeToldIsThereFromTheStart) {
  Instance instance("hello: {type: hello, workers: 2}");
  const std::string text = get(instance.monitor(), "/metrics").body;
  for (const char* family : {"build_info",
                             "start_time_seconds",
                             "edge_cpu_seconds_total",
                             "edge_resident_memory_bytes",
                             "monitor_restarts_total",
                             "pool_workers",
                             "listener_accepted_total",
                             "listener_connections_active",
                             "listener_connections_limit",
                             "listener_paused_seconds_total",
                             "worker_state",
                             "worker_info",
                             "worker_start_time_seconds",
                             "worker_restarts_total",
                             "worker_crashes_total",
                             "worker_connections_active",
                             "worker_connections_limit",
                             "worker_connections_total",
                             "worker_requests_total",
                             "worker_requests_in_flight",
                             "worker_busy_seconds_total",
                             "worker_cpu_seconds_total",
                             "worker_resident_memory_bytes",
                             "worker_open_fds",
                             "handoffs_total",
                             "handoff_duration_seconds"}) {
    EXPECT_NE(text.find("# TYPE roundhouse_" + std::string(family) + " "), text.npos) << family;
  }
}

TEST(Metrics, PromtoolHasNothingToSay) {
  Instance instance("hello: {type: hello, workers: 2}");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(get(instance.web()).status, 200);
  const TemporaryDirectory folder;
  const std::string file = folder.write("metrics", get(instance.monitor(), "/metrics").body);
  const Finished checked = run({"/bin/sh", "-c", "exec promtool check metrics < " + file});
  EXPECT_EQ(checked.ended.code, 0);
  EXPECT_EQ(checked.output, "");
}

TEST(Metrics, APrometheusScrapesThemAndAnswersQueries) {
  Instance instance("hello: {type: hello, workers: 2}");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(get(instance.web()).status, 200);
  Prometheus prometheus({instance.monitor()});
  EXPECT_TRUE(eventually([&] {
    return prometheus.query("sum(roundhouse_worker_requests_total)") == 10;
  })) << prometheus.output();
  EXPECT_EQ(prometheus.query("up"), 1);
  EXPECT_EQ(prometheus.query("roundhouse_pool_workers{state=\"ready\"}"), 2);
  EXPECT_EQ(prometheus.query("sum(roundhouse_handoff_duration_seconds_count)"), 10);
}

TEST(Metrics, AKilledWorkerIsCountedAndItsCountersGoOn) {
  Instance instance("hello: {type: hello, workers: 2}");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(get(instance.web()).status, 200);
  EXPECT_TRUE(
      eventually([&] { return sum_of(instance, "roundhouse_worker_requests_total") == 10; }));
  const std::string crashes =
      "roundhouse_worker_crashes_total{pool=\"hello\",worker=\"2\",signal=\"SIGKILL\"}";
  EXPECT_EQ(instance.metric(crashes), 0);
  const pid_t killed = instance.worker_pids(2)[1];
  ASSERT_GT(killed, 0);
  ::kill(killed, SIGKILL);
  EXPECT_TRUE(instance.metric_reaches(crashes, 1));
  EXPECT_TRUE(instance.metric_reaches(
      "roundhouse_worker_restarts_total{pool=\"hello\",worker=\"2\",reason=\"crash\"}", 1));
  EXPECT_TRUE(instance.all_ready("hello", 2));
  EXPECT_EQ(sum_of(instance, "roundhouse_worker_requests_total"), 10);
  EXPECT_NE(instance.worker_pids(2)[1], killed);
}

TEST(Metrics, AKilledMonitorComesBackRefusesNobodyAndCountsOn) {
  Instance instance("hello: {type: hello, workers: 2}");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(get(instance.web()).status, 200);
  EXPECT_TRUE(
      eventually([&] { return sum_of(instance, "roundhouse_worker_requests_total") == 10; }));
  const std::vector<pid_t> workers = instance.worker_pids(2);
  const pid_t monitor = instance.monitor_pid();
  ASSERT_GT(monitor, 0);
  ::kill(monitor, SIGKILL);
  ASSERT_TRUE(eventually([&] {
    const pid_t now = instance.monitor_pid();
    return now != 0 && now != monitor;
  }));
  EXPECT_EQ(get(instance.web()).status, 200);
  EXPECT_TRUE(instance.metric_reaches("roundhouse_monitor_restarts_total", 1));
  EXPECT_TRUE(
      eventually([&] { return sum_of(instance, "roundhouse_worker_requests_total") == 11; }));
  EXPECT_EQ(instance.worker_pids(2), workers);
}

TEST(Metrics, SlowScrapersDelayNeitherRequestsNorScrapes) {
  Instance instance("hello: {type: hello, workers: 2}");
  std::vector<std::unique_ptr<Client>> slow;
  for (int i = 0; i < 40; ++i) {
    slow.push_back(std::make_unique<Client>(instance.monitor()));
    slow.back()->send("GET /metrics HTTP/1.1\r\nHost:");
  }
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 50; ++i) ASSERT_EQ(get(instance.web()).status, 200);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
  EXPECT_EQ(get(instance.monitor(), "/metrics").status, 200);
}

TEST(Metrics, FairnessOfTheRotationIsOne) {
  Instance instance("hello: {type: hello, workers: 4}");
  EXPECT_TRUE(instance.all_ready("hello", 4));
  const std::string fairness = "roundhouse_fairness_ratio{pool=\"hello\"}";
  ASSERT_TRUE(eventually([&] {
    for (int i = 0; i < 8; ++i) EXPECT_EQ(get(instance.web()).status, 200);
    return instance.metric(fairness) >= 0;
  }));
  EXPECT_GE(instance.metric(fairness), 0.999);
}

TEST(ControlApi, ReadyzSays503FromTheFirstTermOn) {
  Instance instance("hello: {type: hello, workers: 2}", "shutdown: {delay: 20s}\n");
  EXPECT_EQ(get(instance.monitor(), "/readyz").status, 200);
  instance.process().signal(SIGTERM);
  EXPECT_TRUE(eventually([&] { return get(instance.monitor(), "/readyz").status == 503; }));
  EXPECT_EQ(get(instance.web()).status, 200);
  EXPECT_EQ(get(instance.monitor(), "/healthz").status, 200);
  instance.process().signal(SIGTERM);
  EXPECT_EQ(instance.process().wait().code, 0);
}

TEST(ControlApi, StopsOverTheControlSocketAndNotOverTcp) {
  Instance instance("hello: {type: hello, workers: 2}");
  EXPECT_EQ(Client(instance.monitor()).request("POST", "/api/v1/stop").status, 403);
  EXPECT_EQ(get(instance.web()).status, 200);
  const Address control = Address::parse("unix:" + instance.control_socket()).value();
  EXPECT_EQ(Client(control).request("POST", "/api/v1/stop").status, 202);
  EXPECT_EQ(instance.process().wait().code, 0);
}

TEST(ControlApi, SaysThatAPolicyIsFrozen) {
  Instance instance("hello: {type: hello, workers: 2}");
  const Address control = Address::parse("unix:" + instance.control_socket()).value();
  const Response response =
      Client(control).request("PUT", "/api/v1/pools/hello/policy", "", "none");
  EXPECT_EQ(response.status, 409);
  EXPECT_NE(response.body.find("policy is frozen: the first worker of pool hello has been started"),
            std::string::npos);
}

}  // namespace
}  // namespace roundhouse::test
