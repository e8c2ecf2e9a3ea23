#include "metrics/traffic.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace roundhouse::metrics {
namespace {

TEST(Traffic, IsSummedOverTheWorkersButForTheGaugesOfTheDead) {
  std::vector<EndpointValues> endpoints(1);
  std::vector<RouteValues> routes(1);
  const auto slot = std::make_unique<ipc::Slot>();
  ipc::EndpointTraffic& traffic = slot->endpoints[0];
  ipc::add(traffic.requests_total, 3);
  ipc::add(traffic.failures_total, 2);
  ipc::add(traffic.sent_bytes_total, 10);
  ipc::add(traffic.received_bytes_total, 20);
  ipc::increment(traffic.requests_in_flight);
  traffic.ejected.store(1);
  slot->routes[0].answers.count(200);
  slot->routes[0].answers.count(502);
  slot->routes[0].answers.count(200);
  add_traffic(*slot, true, routes, endpoints);
  add_traffic(*slot, false, routes, endpoints);
  EXPECT_EQ(endpoints[0].requests, 6);
  EXPECT_EQ(endpoints[0].failures, 4);
  EXPECT_EQ(endpoints[0].sent_bytes, 20);
  EXPECT_EQ(endpoints[0].received_bytes, 40);
  EXPECT_EQ(endpoints[0].requests_in_flight, 1);
  EXPECT_EQ(endpoints[0].ejected_by, 1);
  EXPECT_EQ(routes[0].answers, (std::map<std::uint32_t, std::uint64_t>{{200, 4}, {502, 2}}));
}

TEST(Traffic, FailuresAreSummedAlsoOfTheDead) {
  std::vector<FailureValues> failures = {{.name = ""}, {.name = "bad_method"}};
  const auto slot = std::make_unique<ipc::Slot>();
  ipc::add(slot->proxy_failures[1], 2);
  ipc::add(slot->proxy_failures[2]);
  add_failures(*slot, failures);
  add_failures(*slot, failures);
  EXPECT_EQ(failures[1].count, 4);
}

TEST(Traffic, QuantilesAreInterpolated) {
  DurationValues values;
  EXPECT_FALSE(values.quantile(0.5));
  values.buckets[1] = 100;  // 1 ms to 2.5 ms
  EXPECT_DOUBLE_EQ(*values.quantile(0.5), 0.00175);
  values.buckets.back() = 100;
  EXPECT_DOUBLE_EQ(*values.quantile(0.99), 10.0) << "above the last bound nothing is known";
}

}  // namespace
}  // namespace roundhouse::metrics
