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

namespace roundhouse::test {
namespace {

using namespace std::chrono_literals;

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

double sum_of(const Instance& instance, const std::string& name) {
  std::istringstream lines(get(instance.monitor(), "/metrics").body);
  double sum = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(name + "{")) sum += std::stod(line.substr(line.rfind(' ')));
  }
  return sum;
}

std::string percent_encoded(const std::string& text) {
  std::string encoded;
  for (const char c : text) {
    char code[4];
    std::snprintf(code, sizeof code, "%%%02X",
                  static_cast<unsigned>(static_cast<unsigned char>(c)));
    encoded += code;
  }
  return encoded;
}

// A Prometheus of the test's own, which scrapes the instance.
class Prometheus {
 public:
  explicit Prometheus(const Instance& instance)
      : process_({"/usr/bin/prometheus", "--config.file=" + configuration_for(instance),
                  "--storage.tsdb.path=" + folder_.path() + "/data",
                  "--web.listen-address=127.0.0.1:0"}) {
    EXPECT_TRUE(eventually([this] { return find_port(); })) << process_.output();
  }
  std::string output() { return process_.output(); }

  // The value of the first series of an instant query; none if there is no series.
  std::optional<double> query(const std::string& expression) const {
    const std::string body =
        get(address_, "/api/v1/query?query=" + percent_encoded(expression)).body;
    std::smatch match;
    static const std::regex value(R"re("value":\[[^,]*,"([^"]*)"\])re");
    if (!std::regex_search(body, match, value)) return std::nullopt;
    return std::stod(match[1].str());
  }

 private:
  std::string configuration_for(const Instance& instance) const {
    return folder_.write("prometheus.yml",
                         "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
                         "scrape_configs: [{job_name: roundhouse, static_configs: [{targets: ['" +
                             instance.monitor().to_string() + "']}]}]\n");
  }
  // It does not say which port it got: the kernel does.
  bool find_port() {
    std::set<std::string> sockets;
    std::error_code ignored;
    const std::string folder = "/proc/" + std::to_string(process_.pid());
    for (const auto& entry : std::filesystem::directory_iterator(folder + "/fd", ignored)) {
      const std::string target = std::filesystem::read_symlink(entry.path(), ignored).string();
      if (target.starts_with("socket:[")) sockets.insert(target.substr(8, target.size() - 9));
    }
    std::istringstream table(content_of(folder + "/net/tcp"));
    for (std::string line; std::getline(table, line);) {
      std::istringstream fields(line);
      std::string slot, local, remote, state, queues, timer, retransmits, uid, timeout, inode;
      fields >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> uid >>
          timeout >> inode;
      if (state != "0A" || !sockets.contains(inode)) continue;
      address_ = Address::loopback(
          static_cast<std::uint16_t>(std::stoi(local.substr(local.find(':') + 1), nullptr, 16)));
      return true;
    }
    return false;
  }

  TemporaryDirectory folder_;
  Process process_;
  Address address_;
};

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
  Prometheus prometheus(instance);
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
