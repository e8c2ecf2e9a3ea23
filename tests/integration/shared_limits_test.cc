// Limits that hold over all workers of a pool: requests and connections of a client address, and
// the connections of a listener under policy none.
#include <gtest/gtest.h>
#include <poll.h>

#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "support/instance.h"
#include "support/origin.h"
#include "support/proxied.h"
#include "support/proxied_tcp.h"

namespace roundhouse::test {
namespace {

using Clients = std::vector<std::unique_ptr<Client>>;

std::string route_to(const Origin& origin, const std::string& rate) {
  return "routes: [{upstream: site, rate_limit: " + rate + "}]\n" + upstream_of({&origin});
}

Address source(const std::string& host) { return *Address::parse(host + ":0"); }

Response get_from(const std::string& host, const Instance& instance) {
  return Client(instance.web(), source(host)).get("/");
}

double failures(const Instance& instance, const std::string& name) {
  return instance.metric("roundhouse_http_failures_total{failure=\"" + name + "\"}");
}

// Connections that have been answered once and stay open.
Clients hold(const Instance& instance, int count) {
  Clients clients;
  for (int i = 0; i < count; ++i) {
    clients.push_back(std::make_unique<Client>(instance.web()));
    EXPECT_EQ(clients.back()->get("/").status, 200) << i;
  }
  return clients;
}

// For a time in which anybody would have been answered: that nothing comes cannot be waited for.
bool is_unanswered(const Client& client) {
  pollfd readable{.fd = client.fd(), .events = POLLIN, .revents = 0};
  return ::poll(&readable, 1, 200) == 0;
}

TEST(SharedLimits, ARateHoldsOverAllWorkers) {
  const Origin origin("x");
  const Instance instance(kTwoProxies, route_to(origin, "6/h"));
  ASSERT_TRUE(instance.all_ready("gateway", 2));
  int served = 0;
  int refused = 0;
  for (int i = 0; i < 20; ++i) {
    const Response response = get(instance.web());
    served += response.status == 200 ? 1 : 0;
    if (response.status != 429) continue;
    ++refused;
    EXPECT_GT(std::stoi(response.headers.at("retry-after")), 0);
    EXPECT_LE(std::stoi(response.headers.at("retry-after")), 600);
    EXPECT_EQ(response.body, "429 Too Many Requests: Too many requests; try again later.\n");
  }
  EXPECT_EQ(served, 6);
  EXPECT_EQ(refused, 14);
  EXPECT_EQ(origin.seen().size(), 6);
  for (const char* worker : {"1", "2"})
    EXPECT_EQ(instance.metric(R"(roundhouse_worker_requests_total{pool="gateway",worker=")" +
                              std::string(worker) + "\"}"),
              10);
  EXPECT_EQ(instance.metric(R"(roundhouse_http_requests_total{route="site",code="429"})"), 14);
  EXPECT_EQ(failures(instance, "rate_limited"), 14);
}

TEST(SharedLimits, EachAddressHasItsOwnRate) {
  const Origin origin("x");
  const Instance instance(kTwoProxies, route_to(origin, "2/h"));
  for (const char* host : {"127.0.0.1", "127.0.0.2", "127.0.0.3"}) {
    EXPECT_EQ(get_from(host, instance).status, 200) << host;
    EXPECT_EQ(get_from(host, instance).status, 200) << host;
    EXPECT_EQ(get_from(host, instance).status, 429) << host;
  }
}

TEST(SharedLimits, EachRouteHasItsOwnRate) {
  const Instance instance(kTwoProxies,
                          "routes:\n"
                          "  - {path: /a, respond: {status: 200, body: a}, rate_limit: 1/h}\n"
                          "  - {path: /b, respond: {status: 200, body: b}, rate_limit: 2/h}\n"
                          "  - {path: /c, respond: {status: 200, body: c}}\n");
  std::string answers;
  for (const char* path : {"/a", "/b", "/c"}) {
    for (int i = 0; i < 4; ++i) answers += std::to_string(get(instance.web(), path).status) + " ";
  }
  EXPECT_EQ(answers, "200 429 429 429 200 200 429 429 200 200 200 200 ");
}

TEST(SharedLimits, TheClientOfATrustedProxyHasItsOwnRateAndNobodyElseCanChooseOne) {
  const Origin origin("x");
  const Instance instance(kTwoProxies, route_to(origin, "1/h") + "trusted_proxies: [127.0.0.2]\n");
  const auto status = [&](const char* peer, const std::string& client) {
    return Client(instance.web(), source(peer))
        .request("GET", "/", "X-Forwarded-For: " + client + "\r\n")
        .status;
  };
  EXPECT_EQ(status("127.0.0.2", "10.0.0.1"), 200);
  EXPECT_EQ(status("127.0.0.2", "10.0.0.2"), 200);
  EXPECT_EQ(status("127.0.0.2", "10.0.0.1"), 429);
  EXPECT_EQ(status("127.0.0.1", "10.0.0.3"), 200);
  EXPECT_EQ(status("127.0.0.1", "10.0.0.4"), 429);
}

TEST(SharedLimits, WhoWaitsIsServedAgainAlsoOnTheSameConnection) {
  const Origin origin("x");
  const Instance instance(kTwoProxies, route_to(origin, "1/s"));
  Client client(instance.web());
  EXPECT_EQ(client.get("/").status, 200);
  EXPECT_TRUE(eventually([&] { return client.get("/").status == 200; }));
}

TEST(SharedLimits, ARateOutlivesAWorker) {
  const Origin origin("x");
  const Instance instance(kTwoProxies, route_to(origin, "2/h"));
  ASSERT_TRUE(instance.all_ready("gateway", 2));
  EXPECT_EQ(get(instance.web()).status, 200);
  EXPECT_EQ(get(instance.web()).status, 200);
  for (const pid_t pid : instance.worker_pids(2)) ::kill(pid, SIGKILL);
  EXPECT_EQ(get(instance.web()).status, 429);
}

class PerAddress : public testing::TestWithParam<std::string> {};

TEST_P(PerAddress, ConnectionsAreLimitedOverAllWorkers) {
  const Instance instance("hello: {workers: 2, policy: " + GetParam() + "}", "",
                          {.listener = "connections_per_address: 3"});
  ASSERT_TRUE(instance.all_ready("hello", 2));
  Clients held = hold(instance, 3);
  Client fourth(instance.web());
  const Response refused = fourth.get("/");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.headers.at("connection"), "close");
  EXPECT_EQ(refused.headers.at("retry-after"), "1");
  EXPECT_EQ(refused.body, "503 Service Unavailable: Too many connections from this address.\n");
  EXPECT_TRUE(fourth.at_end());
  EXPECT_EQ(get_from("127.0.0.2", instance).status, 200);
  EXPECT_EQ(
      instance.metric(
          R"(roundhouse_listener_refused_connections_total{listener="web",reason="per_address"})"),
      1);
  EXPECT_EQ(failures(instance, "too_many_connections"), 1);
  held.pop_back();
  EXPECT_TRUE(eventually([&] { return get(instance.web()).status == 200; }));
}

INSTANTIATE_TEST_SUITE_P(EveryPolicy, PerAddress,
                         testing::Values("rr", "none", "rr_kernel", "least", "sticky"),
                         [](const auto& info) { return info.param; });

TEST(SharedLimits, AKilledWorkerLeavesNoConnectionInTheCount) {
  const Instance instance("hello: {workers: 2}", "", {.listener = "connections_per_address: 4"});
  ASSERT_TRUE(instance.all_ready("hello", 2));
  for (int round = 0; round < 3; ++round) {
    const Clients held = hold(instance, 4);
    ASSERT_EQ(get(instance.web()).status, 503);
    const std::vector<pid_t> workers = instance.worker_pids(2);
    for (const pid_t pid : workers) ::kill(pid, SIGKILL);
    ASSERT_TRUE(eventually([&] {
      const std::vector<pid_t> now = instance.worker_pids(2);
      return now[0] != workers[0] && now[1] != workers[1] && now[0] != 0 && now[1] != 0;
    }));
    ASSERT_TRUE(instance.all_ready("hello", 2));
  }
  const Clients held = hold(instance, 4);
  EXPECT_EQ(get(instance.web()).status, 503);
}

TEST(SharedLimits, TrustedProxiesMayHaveAnyNumberOfConnections) {
  const Instance instance("hello: {workers: 2}", "trusted_proxies: [127.0.0.2]",
                          {.listener = "connections_per_address: 1"});
  Clients held;
  for (int i = 0; i < 5; ++i) {
    held.push_back(std::make_unique<Client>(instance.web(), source("127.0.0.2")));
    EXPECT_EQ(held.back()->get("/").status, 200);
  }
  const Clients one = hold(instance, 1);
  EXPECT_EQ(get(instance.web()).status, 503);
}

TEST(SharedLimits, WhoIsTurnedAwayCanReadWhyAlsoInTheMiddleOfAnUpload) {
  const Instance instance("hello: {workers: 1}", "", {.listener = "connections_per_address: 1"});
  const Clients held = hold(instance, 1);
  Client client(instance.web());
  const std::string body(4 * 1024 * 1024, 'x');
  const Response response = client.request("POST", "/", "", body);
  EXPECT_EQ(response.status, 503);
  EXPECT_TRUE(response.complete);
  EXPECT_TRUE(client.at_end());
}

TEST(SharedLimits, WhoIsTurnedAwayAndStaysIsClosed) {
  const Instance instance("hello: {workers: 1}", "", {.listener = "connections_per_address: 1"});
  const Clients held = hold(instance, 1);
  Client stays(instance.web());
  EXPECT_EQ(stays.get("/").status, 503);
  EXPECT_TRUE(eventually([&] {
    return instance.metric(R"(roundhouse_listener_connections_active{listener="web"})") == 1;
  }));
}

class PerListener : public testing::TestWithParam<std::string> {};

TEST_P(PerListener, WhereWorkersAcceptForThemselvesItIsFullOverAllOfThem) {
  const Instance instance("hello: {workers: 3, policy: " + GetParam() + "}", "",
                          {.listener = "max_connections: 5"});
  ASSERT_TRUE(instance.all_ready("hello", 3));
  Clients held = hold(instance, 5);
  Client sixth(instance.web());
  Client seventh(instance.web());
  for (Client* client : {&sixth, &seventh})
    ASSERT_TRUE(client->send("GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"));
  EXPECT_TRUE(is_unanswered(sixth));
  EXPECT_TRUE(is_unanswered(seventh));
  EXPECT_EQ(instance.metric(R"(roundhouse_listener_accepted_total{listener="web"})"), 5);
  held.pop_back();
  EXPECT_EQ(sixth.receive().status, 200);
  EXPECT_EQ(seventh.receive().status, 200);
}

INSTANTIATE_TEST_SUITE_P(EveryPolicy, PerListener, testing::Values("none", "rr_kernel"),
                         [](const auto& info) { return info.param; });

TEST(SharedLimits, UnderPolicyNoneAKilledWorkerMakesRoom) {
  const Instance instance("hello: {workers: 1, policy: none}", "",
                          {.listener = "max_connections: 2"});
  const Clients held = hold(instance, 2);
  Client third(instance.web());
  ASSERT_TRUE(third.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n"));
  EXPECT_TRUE(is_unanswered(third));
  ::kill(instance.worker_pids(1).front(), SIGKILL);
  EXPECT_EQ(third.receive().status, 200);
}

TEST(SharedLimits, OneTcpConnectionTooManyIsClosed) {
  const TcpOrigin origin(TcpOrigin::echo);
  const ProxiedTcp instance({origin.address()}, "", kTcp + ", connections_per_address: 2",
                            kTwoProxies);
  ASSERT_TRUE(instance.all_ready("gateway", 2));
  Stream first = instance.connect();
  Stream second = instance.connect();
  EXPECT_EQ(exchanged(first, "a"), "a");
  EXPECT_EQ(exchanged(second, "b"), "b");
  Stream third = instance.connect();
  EXPECT_EQ(exchanged(third, "c"), "");
  EXPECT_TRUE(third.ended() || third.was_reset());
  EXPECT_EQ(failures(instance, "too_many_connections"), 1);
  const Address other = source("127.0.0.2");
  Stream elsewhere = Stream::connect(instance.web(), &other);
  EXPECT_EQ(exchanged(elsewhere, "d"), "d");
  first.close();
  EXPECT_TRUE(eventually([&] {
    Stream again = instance.connect();
    return exchanged(again, "e") == "e";
  }));
}

TEST(SharedLimits, FailuresAreCountedByNameFromNothingOn) {
  const Instance instance("hello: {workers: 1}");
  EXPECT_EQ(failures(instance, "bad_method"), 0);
  EXPECT_EQ(failures(instance, "client_gone"), 0);
  EXPECT_EQ(failures(instance, "none"), -1);
  Client client(instance.web());
  client.send("G@T / HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_EQ(client.receive().status, 400);
  EXPECT_EQ(failures(instance, "bad_method"), 1);
}

TEST(SharedLimits, AnUploadThatStopsIsOneFailureAndOneRequest) {
  const Origin origin("x");
  const Instance instance(kOneProxy, upstream_of({&origin}),
                          {.listener = "timeouts: {body_idle: 50ms}"});
  Client client(instance.web());
  client.send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_EQ(client.receive().status, 408);
  EXPECT_TRUE(client.at_end());
  EXPECT_EQ(failures(instance, "body_timeout"), 1);
  EXPECT_EQ(failures(instance, "client_gone"), 0);
  EXPECT_EQ(instance.metric(R"(roundhouse_http_requests_total{route="site",code="408"})"), 1);
  EXPECT_EQ(instance.metric(R"(roundhouse_upstream_failures_total{upstream="site",endpoint=")" +
                            origin.address().to_string() + "\"}"),
            0);
}

}  // namespace
}  // namespace roundhouse::test
