// Who may ask the monitor for what.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/instance.h"

namespace roundhouse::test {
namespace {

const std::vector<std::string> kVerbs = {"/api/v1/reload",
                                         "/api/v1/restart",
                                         "/api/v1/pools/app/restart",
                                         "/api/v1/pools/app/workers/1/restart",
                                         "/api/v1/pools/app/scale",
                                         "/api/v1/stop"};

Address control_of(const Instance& instance) {
  return *Address::parse("unix:" + instance.control_socket());
}

// With these fields alone.
Response ask(const Address& server, const std::string& method, const std::string& path,
             const std::string& fields, const std::string& body = "") {
  Client client(server);
  client.send(method + " " + path + " HTTP/1.1\r\n" + fields +
              "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  return client.receive();
}

class ApiAccess : public testing::Test {
 protected:
  // Nothing was begun: neither a worker nor a generation is another.
  void expect_unchanged() {
    EXPECT_EQ(instance_.worker_pids(2), pids_);
    EXPECT_EQ(get(instance_.monitor(), "/readyz").status, 200);
    EXPECT_EQ(instance_.metric(R"(roundhouse_config_reloads_total{result="applied"})"), 0);
  }

  Instance instance_{
      "app: {type: hello, workers: 2}", "", {.monitor = ", allowed_hosts: [gateway]"}};
  std::vector<pid_t> pids_ = instance_.worker_pids(2);
};

TEST_F(ApiAccess, OverTcpNothingIsChanged) {
  for (const std::string& path : kVerbs) {
    const Response response =
        Client(instance_.monitor()).request("POST", path, "", R"({"workers": 1})");
    EXPECT_EQ(response.status, 403) << path;
    EXPECT_NE(response.body.find("over the control socket only"), std::string::npos);
  }
  expect_unchanged();
}

TEST_F(ApiAccess, BrokenJsonOnTheControlSocketChangesNothing) {
  for (const std::string& path : kVerbs) {
    const Response response =
        Client(control_of(instance_)).request("POST", path, "", R"({"workers": 1)");
    EXPECT_EQ(response.status, 400) << path;
    EXPECT_NE(response.body.find("no JSON"), std::string::npos) << response.body;
  }
  expect_unchanged();
}

TEST_F(ApiAccess, ABodyBeyondTheLimitIsRefused) {
  const Response response = Client(control_of(instance_))
                                .request("POST", "/api/v1/pools/app/scale", "",
                                         std::string(65 * 1024, ' ') + R"({"workers": 1})");
  EXPECT_EQ(response.status, 413);
  EXPECT_NE(response.body.find("65536"), std::string::npos) << response.body;
  const std::string fits = std::string(63 * 1024, ' ') + R"({"workers": 0})";
  EXPECT_EQ(
      Client(control_of(instance_)).request("POST", "/api/v1/pools/app/scale", "", fits).status,
      422);
  expect_unchanged();
}

TEST_F(ApiAccess, AForeignHostOrOriginIsRefusedOnBothSockets) {
  for (const Address& server : {instance_.monitor(), control_of(instance_)}) {
    for (const char* fields :
         {"Host: evil.example\r\n", "Host: evil.example:9901\r\n", "",
          "Host: localhost\r\nOrigin: http://evil.example\r\n",
          "Host: localhost\r\nOrigin: null\r\n", "Host: gateway\r\nOrigin: http://localhost\r\n"}) {
      EXPECT_EQ(ask(server, "GET", "/api/v1/status", fields).status, 403) << fields;
      for (const std::string& path : kVerbs)
        EXPECT_EQ(ask(server, "POST", path, fields).status, 403) << fields << path;
    }
    for (const char* path : {"/metrics", "/healthz", "/readyz"})
      EXPECT_EQ(ask(server, "GET", path, "Host: any.name\r\n").status, 200) << path;
    for (const char* fields :
         {"Host: gateway:9901\r\n", "Host: 127.0.0.1\r\n", "Host: [::1]:9901\r\n",
          "Host: localhost:1\r\nOrigin: http://localhost:1\r\n"})
      EXPECT_EQ(ask(server, "GET", "/api/v1/status", fields).status, 200) << fields;
  }
  expect_unchanged();
}

}  // namespace
}  // namespace roundhouse::test
