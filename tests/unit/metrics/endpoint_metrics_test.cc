#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "metrics/exporter.h"
#include "scrape.h"
#include "support/fake_instance.h"

namespace roundhouse::metrics {
namespace {

using test::FakeInstance;

// Two upstreams: `api` is probed and has a name, `site` is neither.
class EndpointMetrics : public testing::Test {
 protected:
  static Layout layout() {
    Layout layout = FakeInstance::one_pool(1);
    layout.pools[0].type = "proxy";
    layout.upstreams = {{.name = "api", .probed = true, .named = true}, {.name = "site"}};
    return layout;
  }
  static ipc::WantedEndpoint wanted(std::uint32_t last) {
    const Address address = Address::ipv4(0x0A000000 + last, 80);
    return {address, address.to_string(), 1};
  }
  std::map<std::string, std::string> scraped() {
    instance_.set_endpoints(*table_);
    return scrape(instance_.snapshot(Time(std::chrono::hours(1))));
  }
  static std::string series(const std::string& name, const std::string& upstream,
                            const std::string& endpoint, const std::string& more = "") {
    return "roundhouse_upstream_" + name + "{upstream=\"" + upstream + "\",endpoint=\"" + endpoint +
           "\"" + more + "}";
  }

  FakeInstance instance_{layout()};
  std::unique_ptr<ipc::EndpointTable> table_ = std::make_unique<ipc::EndpointTable>();
};

TEST_F(EndpointMetrics, AreThoseOfTheBoardByItsRows) {
  table_->configure(1, wanted(9));
  table_->assign(0, std::vector{wanted(1), wanted(2)}, Time());
  table_->set_healthy(2, false);
  instance_.slot(0).endpoints[1].requests_total = 11;
  instance_.slot(0).endpoints[2].requests_total = 22;
  instance_.set_endpoints(*table_);
  instance_.endpoints().probes(2).failed = 5;
  instance_.endpoints().resolutions(0, ipc::Resolution::kNegative) = 6;
  auto all = scraped();
  EXPECT_EQ(all[series("requests_total", "api", "10.0.0.1:80")], "11");
  EXPECT_EQ(all[series("requests_total", "api", "10.0.0.2:80")], "22");
  EXPECT_EQ(all[series("requests_total", "site", "10.0.0.9:80")], "0");
  EXPECT_EQ(all[series("healthy", "api", "10.0.0.1:80")], "1");
  EXPECT_EQ(all[series("healthy", "api", "10.0.0.2:80")], "0");
  EXPECT_EQ(all[series("probes_total", "api", "10.0.0.2:80", ",result=\"failed\"")], "5");
  EXPECT_EQ(all[series("probes_total", "api", "10.0.0.2:80", ",result=\"well\"")], "0");
  EXPECT_EQ(all["roundhouse_upstream_resolutions_total{upstream=\"api\",result=\"negative\"}"],
            "6");
}

TEST_F(EndpointMetrics, WhatIsNotProbedOrNamedTellsNothingOfThat) {
  table_->configure(1, wanted(9));
  const auto all = scraped();
  EXPECT_FALSE(all.contains(series("healthy", "site", "10.0.0.9:80")));
  EXPECT_FALSE(all.contains(series("probes_total", "site", "10.0.0.9:80", ",result=\"well\"")));
  EXPECT_FALSE(
      all.contains("roundhouse_upstream_resolutions_total{upstream=\"site\",result=\"answered\"}"));
}

TEST_F(EndpointMetrics, AWorkerOfAPoolIsThereBeforeItHasAnAddress) {
  table_->reserve(255, 1, "app/1");
  instance_.slot(0).endpoints[255].requests_total = 7;
  EXPECT_EQ(scraped()[series("requests_total", "site", "app/1")], "7");
}

TEST_F(EndpointMetrics, OneThatLeavesIsShownUntilItHasFinished) {
  table_->assign(0, std::vector{wanted(1)}, Time());
  table_->assign(0, {}, Time());
  instance_.make_ready(0, 101);
  instance_.slot(0).endpoints[0].requests_in_flight = 1;
  EXPECT_TRUE(scraped().contains(series("requests_total", "api", "10.0.0.1:80")));
  instance_.slot(0).endpoints[0].requests_in_flight = 0;
  EXPECT_FALSE(scraped().contains(series("requests_total", "api", "10.0.0.1:80")));
}

}  // namespace
}  // namespace roundhouse::metrics
