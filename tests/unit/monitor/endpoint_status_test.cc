// What the status says of endpoints.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "monitor/status.h"
#include "support/fake_instance.h"

namespace roundhouse::monitor {
namespace {

using test::FakeInstance;

TEST(EndpointStatus, SaysWhoIsInUseUnhealthyOrLeaving) {
  metrics::Layout layout = FakeInstance::one_pool(1);
  layout.pools[0].type = "proxy";
  layout.upstreams = {{.name = "api", .probed = true}, {.name = "site"}};
  FakeInstance instance(layout);
  instance.make_ready(0, 101);
  const auto table = std::make_unique<ipc::EndpointTable>();
  std::vector<ipc::WantedEndpoint> all;
  for (std::uint32_t i = 1; i <= 3; ++i) {
    const Address address = Address::ipv4(0x0A000000 + i, 80);
    all.push_back({address, address.to_string(), 1});
  }
  table->assign(0, all, Time());
  table->set_healthy(1, false);
  all.pop_back();
  table->assign(0, all, Time());
  table->configure(1, {Address::loopback(80), "localhost:80", 1});
  instance.set_endpoints(*table);
  instance.slot(0).endpoints[2].connections_active = 1;
  const Json json = status(instance.snapshot(Time()), Viewer::kAnyone);
  std::string seen;
  for (const Json& endpoint : json["endpoints"])
    seen += endpoint["name"].get<std::string>() + " " + endpoint["state"].get<std::string>() + " " +
            endpoint["healthy"].dump() + "\n";
  EXPECT_EQ(seen,
            "10.0.0.1:80 in use true\n"
            "10.0.0.2:80 unhealthy false\n"
            "10.0.0.3:80 leaving null\n"
            "localhost:80 in use null\n");
}

}  // namespace
}  // namespace roundhouse::monitor
