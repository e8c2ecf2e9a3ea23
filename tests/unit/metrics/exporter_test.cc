#include "metrics/exporter.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "metrics/catalogue.h"
#include "scrape.h"
#include "support/fake_instance.h"

namespace roundhouse::metrics {
namespace {

using ipc::WorkerState;
using test::FakeInstance;

// An instance of which everything can be told.
Snapshot full_snapshot(FakeInstance& instance) {
  for (std::size_t i = 0; i < instance.board().workers(); ++i) {
    instance.make_ready(i, static_cast<std::int32_t>(100 + i));
    instance.record_exit(i, {.at = 1500});
    for (int n = 0; n < 20; ++n) ipc::record_handoff(instance.slot(i), n * 1'000'000);
  }
  Snapshot snapshot = instance.snapshot(Time(std::chrono::hours(1)));
  snapshot.edge = {.cpu_seconds = 1.5, .resident_bytes = 4096, .open_fds = 12};
  snapshot.container_memory = 1 << 20;
  snapshot.container_memory_limit = 1 << 30;
  for (PoolValues& pool : snapshot.pools) {
    pool.fairness = 0.9995;
    for (WorkerValues& worker : pool.workers) {
      worker.usage = {.cpu_seconds = 2.5, .resident_bytes = 8192, .open_fds = 7};
    }
  }
  return snapshot;
}

std::string label_names_of(const std::string& series) {
  static const std::regex label(R"((\w+)=")");
  std::string names;
  for (std::sregex_iterator i(series.begin(), series.end(), label), end; i != end; ++i) {
    if ((*i)[1] == "le") continue;
    names += (names.empty() ? "" : ",") + (*i)[1].str();
  }
  return names;
}

// Changing a line here changes dashboards and alerts of users.
const char* const kGolden =
    "build_info gauge version\n"
    "start_time_seconds gauge \n"
    "edge_cpu_seconds_total counter \n"
    "edge_resident_memory_bytes gauge \n"
    "edge_open_fds gauge \n"
    "monitor_restarts_total counter \n"
    "config_reloads_total counter result\n"
    "config_last_reload_success_timestamp_seconds gauge \n"
    "container_memory_bytes gauge \n"
    "container_memory_limit_bytes gauge \n"
    "pool_workers gauge pool,state\n"
    "pool_info gauge pool,policy\n"
    "old_generations gauge pool\n"
    "fairness_ratio gauge pool\n"
    "listener_accepted_total counter listener\n"
    "listener_abandoned_total counter listener\n"
    "listener_connections_active gauge listener\n"
    "listener_connections_limit gauge listener\n"
    "listener_paused_seconds_total counter listener,reason\n"
    "listener_refused_connections_total counter listener,reason\n"
    "listener_request_failures_total counter listener\n"
    "http_failures_total counter failure\n"
    "worker_state gauge pool,worker,state\n"
    "worker_info gauge pool,worker,pid,generation\n"
    "worker_start_time_seconds gauge pool,worker\n"
    "worker_last_exit_timestamp_seconds gauge pool,worker\n"
    "worker_restarts_total counter pool,worker,reason\n"
    "worker_crashes_total counter pool,worker,signal\n"
    "worker_output_lines_total counter pool,worker\n"
    "worker_output_dropped_total counter pool,worker\n"
    "worker_connections_active gauge pool,worker\n"
    "worker_connections_limit gauge pool,worker\n"
    "worker_connections_total counter pool,worker\n"
    "worker_requests_total counter pool,worker\n"
    "worker_requests_in_flight gauge pool,worker\n"
    "worker_busy_seconds_total counter pool,worker\n"
    "worker_cpu_seconds_total counter pool,worker\n"
    "worker_resident_memory_bytes gauge pool,worker\n"
    "worker_open_fds gauge pool,worker\n"
    "access_log_lines_total counter pool,worker\n"
    "access_log_dropped_total counter pool,worker\n"
    "handoffs_total counter pool,worker,result\n"
    "handoff_duration_seconds histogram pool,worker\n";

TEST(Exporter, NamesKindsAndLabelsAreTheAgreedOnes) {
  Layout layout = FakeInstance::one_pool(2);
  layout.pools.push_back({.name = "app", .type = "native", .policy = "rr", .workers = 1});
  FakeInstance instance(layout);
  const std::string text = exposition(full_snapshot(instance));
  std::map<std::string, std::string> labels;
  for (const auto& [series, value] : series_of(text)) {
    const std::string name = series.substr(0, series.find('{'));
    labels[std::regex_replace(name, std::regex("_seconds_(bucket|sum|count)$"), "_seconds")] =
        label_names_of(series);
  }
  std::string seen;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    static const std::regex type("# TYPE (roundhouse_(\\w+)) (\\w+)");
    if (!std::regex_match(line, match, type)) continue;
    seen += match[2].str() + " " + match[3].str() + " " + labels[match[1]] + "\n";
  }
  EXPECT_EQ(seen, kGolden);
}

TEST(Exporter, LabelsComeFromTheAgreedSet) {
  const std::set<std::string> agreed{
      "pool",   "worker", "listener", "upstream",   "endpoint", "route", "code", "reason", "signal",
      "policy", "state",  "result",   "generation", "version",  "name",  "pid",  "failure"};
  for (const MetricRow& row : catalogue()) {
    std::istringstream labels{std::string(row.labels)};
    for (std::string label; std::getline(labels, label, ',');) {
      EXPECT_TRUE(agreed.contains(label)) << row.name << " " << label;
      EXPECT_TRUE(label != "pid" || row.name == "roundhouse_worker_info") << row.name;
    }
  }
}

TEST(Exporter, KnownSeriesStartAtZero) {
  FakeInstance instance(FakeInstance::one_pool(1));
  auto series = scrape(instance.snapshot(Time(std::chrono::hours(1))));
  for (const char* signal :
       {"none", "SIGKILL", "SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGTERM"}) {
    EXPECT_EQ(series["roundhouse_worker_crashes_total{pool=\"hello\",worker=\"1\",signal=\"" +
                     std::string(signal) + "\"}"],
              "0")
        << signal;
  }
  for (const char* reason : {"crash", "exited", "oom", "hang", "boot_timeout", "protocol",
                             "recycle_requests", "recycle_memory", "recycle_lifetime"}) {
    EXPECT_EQ(series["roundhouse_worker_restarts_total{pool=\"hello\",worker=\"1\",reason=\"" +
                     std::string(reason) + "\"}"],
              "0")
        << reason;
  }
  for (const char* result : {"taken", "taken_back", "returned", "given_back"}) {
    EXPECT_EQ(series["roundhouse_handoffs_total{pool=\"hello\",worker=\"1\",result=\"" +
                     std::string(result) + "\"}"],
              "0")
        << result;
  }
  EXPECT_EQ(series["roundhouse_worker_requests_total{pool=\"hello\",worker=\"1\"}"], "0");
  EXPECT_EQ(series["roundhouse_http_failures_total{failure=\"bad_method\"}"], "0");
  EXPECT_EQ(
      series["roundhouse_listener_paused_seconds_total{listener=\"web\",reason=\"no_worker\"}"],
      "0");
}

TEST(Exporter, ProgramsTellNoFailures) {
  Layout layout = FakeInstance::one_pool(1);
  layout.pools[0].type = "native";
  FakeInstance instance(layout);
  EXPECT_EQ(exposition(instance.snapshot(Time())).find("http_failures"), std::string::npos);
}

TEST(Exporter, OtherSignalsAppearWhenTheyHappen) {
  FakeInstance instance(FakeInstance::one_pool(1));
  const std::string name =
      "roundhouse_worker_crashes_total{pool=\"hello\",worker=\"1\",signal=\"SIGXCPU\"}";
  EXPECT_FALSE(scrape(instance.snapshot(Time())).contains(name));
  ipc::add(instance.worker(0).crashes[SIGXCPU]);
  EXPECT_EQ(scrape(instance.snapshot(Time()))[name], "1");
}

TEST(Exporter, WhatCannotBeToldIsAbsentAndNotZero) {
  FakeInstance instance(FakeInstance::one_pool(1));
  const auto series = scrape(instance.snapshot(Time()));
  for (const auto& [name, value] : series) {
    for (const char* unknown :
         {"worker_info", "worker_start_time", "worker_last_exit", "resident_memory", "open_fds",
          "cpu_seconds", "container_memory", "fairness"}) {
      EXPECT_EQ(name.find(unknown), std::string::npos) << name;
    }
  }
}

TEST(Exporter, ADeadWorkerHoldsNoConnectionAndKeepsItsCounters) {
  FakeInstance instance(FakeInstance::one_pool(1));
  instance.make_ready(0, 4711);
  instance.slot(0).connections_active = 5;
  instance.slot(0).listener_active[0] = 5;
  instance.slot(0).connections_total = 50;
  auto series = scrape(instance.snapshot(Time()));
  EXPECT_EQ(series["roundhouse_worker_connections_active{pool=\"hello\",worker=\"1\"}"], "5");
  EXPECT_EQ(series["roundhouse_listener_connections_active{listener=\"web\"}"], "5");
  EXPECT_EQ(
      series["roundhouse_worker_info{pool=\"hello\",worker=\"1\",pid=\"4711\",generation=\"1\"}"],
      "1");

  instance.worker(0).pid = 0;
  instance.worker(0).state = WorkerState::kBackoff;
  series = scrape(instance.snapshot(Time()));
  EXPECT_EQ(series["roundhouse_worker_connections_active{pool=\"hello\",worker=\"1\"}"], "0");
  EXPECT_EQ(series["roundhouse_listener_connections_active{listener=\"web\"}"], "0");
  EXPECT_EQ(series["roundhouse_worker_connections_total{pool=\"hello\",worker=\"1\"}"], "50");
  EXPECT_EQ(series["roundhouse_worker_state{pool=\"hello\",worker=\"1\",state=\"backoff\"}"], "1");
  EXPECT_EQ(series["roundhouse_worker_state{pool=\"hello\",worker=\"1\",state=\"ready\"}"], "0");
  EXPECT_EQ(series["roundhouse_pool_workers{pool=\"hello\",state=\"backoff\"}"], "1");
}

TEST(Exporter, AWorkerThatWasTakenAwayCountsOnInTheSumsAndIsNone) {
  Layout layout = FakeInstance::one_pool(2);
  layout.pools[0].policy = "none";
  FakeInstance instance(layout);
  instance.make_ready(0, 4711);
  instance.slot(0).listener_accepted[0] = 3;
  instance.slot(1).listener_accepted[0] = 4;
  instance.worker(0).wanted = 1;
  auto series = scrape(instance.snapshot(Time()));
  EXPECT_EQ(series["roundhouse_listener_accepted_total{listener=\"web\"}"], "7");
  EXPECT_EQ(series["roundhouse_pool_workers{pool=\"hello\",state=\"gone\"}"], "0");
  EXPECT_FALSE(
      series.contains("roundhouse_worker_state{pool=\"hello\",worker=\"2\",state=\"gone\"}"));

  instance.make_ready(1, 4712);  // it drains still
  series = scrape(instance.snapshot(Time()));
  EXPECT_EQ(series["roundhouse_pool_workers{pool=\"hello\",state=\"ready\"}"], "2");
}

TEST(Exporter, WithPolicyNoneNothingIsHandedOverAndTheWorkersAccept) {
  Layout layout = FakeInstance::one_pool(2);
  layout.pools[0].policy = "none";
  FakeInstance instance(layout);
  instance.slot(0).listener_accepted[0] = 3;
  instance.slot(1).listener_accepted[0] = 4;
  auto series = scrape(instance.snapshot(Time()));
  for (const auto& [name, value] : series) {
    EXPECT_EQ(name.find("handoff"), std::string::npos) << name;
  }
  EXPECT_EQ(series["roundhouse_listener_accepted_total{listener=\"web\"}"], "7");
}

TEST(Exporter, TheHandoffHistogramIsCumulativeAndInSeconds) {
  FakeInstance instance(FakeInstance::one_pool(1));
  ipc::record_handoff(instance.slot(0), 40'000);
  ipc::record_handoff(instance.slot(0), 60'000);
  ipc::record_handoff(instance.slot(0), 2'000'000'000);
  auto series = scrape(instance.snapshot(Time()));
  const std::string bucket =
      "roundhouse_handoff_duration_seconds_bucket{pool=\"hello\",worker=\"1\",le=\"";
  EXPECT_EQ(series[bucket + "5e-05\"}"], "1");
  EXPECT_EQ(series[bucket + "0.0001\"}"], "2");
  EXPECT_EQ(series[bucket + "1\"}"], "2");
  EXPECT_EQ(series[bucket + "+Inf\"}"], "3");
  EXPECT_EQ(series["roundhouse_handoff_duration_seconds_count{pool=\"hello\",worker=\"1\"}"], "3");
  EXPECT_NEAR(
      std::stod(series["roundhouse_handoff_duration_seconds_sum{pool=\"hello\",worker=\"1\"}"]),
      2.0001, 1e-9);
}

TEST(Exporter, APauseThatGoesOnCounts) {
  FakeInstance instance(FakeInstance::one_pool(1));
  instance.listener(0).paused_ns[1] = 1'000'000'000;
  instance.listener(0).paused = 2;  // max_connections
  instance.listener(0).paused_since_ns = nanoseconds(Time(std::chrono::seconds(100)));
  auto series = scrape(instance.snapshot(Time(std::chrono::seconds(103))));
  EXPECT_EQ(series["roundhouse_listener_paused_seconds_total{listener=\"web\",reason=\"max_"
                   "connections\"}"],
            "4");
}

TEST(Exporter, LabelValuesAreEscaped) {
  Layout layout = FakeInstance::one_pool(1);
  layout.listeners[0].name = "a\"b\\c\nd";
  FakeInstance instance(layout);
  EXPECT_TRUE(scrape(instance.snapshot(Time()))
                  .contains("roundhouse_listener_accepted_total{listener=\"a\\\"b\\\\c\\nd\"}"));
}

TEST(Exporter, ABigCounterIsWrittenExactly) {
  FakeInstance instance(FakeInstance::one_pool(1));
  instance.slot(0).requests_total = 1'234'567'890'123;
  auto series = scrape(instance.snapshot(Time()));
  EXPECT_EQ(std::stod(series["roundhouse_worker_requests_total{pool=\"hello\",worker=\"1\"}"]),
            1'234'567'890'123.0);
}

TEST(Exporter, PromtoolHasNothingToSay) {
  FakeInstance instance(FakeInstance::one_pool(3));
  char path[] = "/tmp/roundhouse-metrics-XXXXXX";
  const UniqueFd fd(::mkstemp(path));
  const std::string text = exposition(full_snapshot(instance));
  ASSERT_EQ(::write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  FILE* promtool =
      ::popen((std::string("promtool check metrics < ") + path + " 2>&1").c_str(), "r");
  ASSERT_NE(promtool, nullptr);
  std::string said;
  for (int c = 0; (c = std::fgetc(promtool)) != EOF;) said += static_cast<char>(c);
  EXPECT_EQ(::pclose(promtool), 0);
  EXPECT_EQ(said, "");
  ::unlink(path);
}

TEST(Exporter, SixtyFourWorkersAreWrittenInMilliseconds) {
  FakeInstance instance(FakeInstance::one_pool(64));
  const Snapshot snapshot = full_snapshot(instance);
  Duration best = std::chrono::hours(1);
  for (int i = 0; i < 5; ++i) {
    const Time start = Clock::now();
    EXPECT_GT(exposition(snapshot).size(), 10'000U);
    best = std::min<Duration>(best, Clock::now() - start);
  }
  RecordProperty("milliseconds", std::to_string(seconds(best) * 1000));
  EXPECT_LT(best, std::chrono::milliseconds(200));  // a debug build, a busy machine
}

TEST(MetricsReference, IsTheDocument) {
  std::ifstream file(ROUNDHOUSE_SOURCE_DIR "/docs/metrics.md");
  std::stringstream page;
  page << file.rdbuf();
  EXPECT_EQ(page.str(), metrics_reference());
}

}  // namespace
}  // namespace roundhouse::metrics
