// What the exporter says of Node programs, which do not tell all.
#include <gtest/gtest.h>

#include "scrape.h"
#include "support/fake_instance.h"

namespace roundhouse::metrics {
namespace {

using test::FakeInstance;

TEST(Exporter, WhatANodeProgramDoesNotTellIsAbsent) {
  metrics::Layout layout = FakeInstance::one_pool(1);
  layout.pools[0].type = "node";
  const auto told = [&](const std::string& policy) {
    layout.pools[0].policy = policy;
    FakeInstance instance(layout);
    instance.make_ready(0, 100);
    ipc::add(instance.worker(0).messages, 3);
    return scrape(instance.snapshot(Time()));
  };
  const std::string worker = "{pool=\"hello\",worker=\"1\"}";
  auto series = told("rr");
  EXPECT_EQ(series["roundhouse_worker_messages_total" + worker], "3");
  EXPECT_EQ(series["roundhouse_worker_connections_total" + worker], "0");
  EXPECT_EQ(series["roundhouse_listener_accepted_total{listener=\"web\"}"], "0");
  for (const char* absent :
       {"worker_connections_active", "worker_connections_limit", "worker_requests_total",
        "worker_requests_in_flight", "worker_busy_seconds_total"})
    EXPECT_FALSE(series.contains("roundhouse_" + std::string(absent) + worker)) << absent;
  EXPECT_FALSE(series.contains("roundhouse_listener_connections_active{listener=\"web\"}"));
  series = told("none");
  EXPECT_FALSE(series.contains("roundhouse_worker_connections_total" + worker));
  EXPECT_FALSE(series.contains("roundhouse_listener_accepted_total{listener=\"web\"}"));
}

}  // namespace
}  // namespace roundhouse::metrics
