// Active health probes: who gets no requests while it is not well, and what is seen of it.
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/instance.h"
#include "support/origin.h"
#include "support/proxied.h"

namespace roundhouse::test {
namespace {

using Reply = Origin::Reply;
using Seen = Origin::Seen;

const std::string kHttp =
    ", balance: rr, retries: {attempts: 0}, eject: {failures: 0},"
    " health: {path: /healthz, interval: 50ms, timeout: 1s, fall: 2, rise: 2}";

bool is_probe(const Seen& seen) { return seen.head.starts_with("GET /healthz "); }

// Well, or not, as a test says; counts what were no probes.
class Server {
 public:
  Server()
      : origin([this](const Seen& seen) {
          if (!is_probe(seen)) {
            ++requests;
            return Reply{.bytes = ok(name())};
          }
          ++probes;
          if (well) return Reply{.bytes = ok("")};
          return Reply{.bytes = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"};
        }) {}
  std::string name() const { return origin.address().to_string(); }

  std::atomic<bool> well = true;
  std::atomic<int> requests = 0;
  std::atomic<int> probes = 0;
  Origin origin;
};

std::string upstream_with(const std::vector<const Server*>& servers, const std::string& more) {
  std::vector<Address> addresses;
  for (const Server* server : servers) addresses.push_back(server->origin.address());
  return upstream_at(addresses, more);
}

std::string series(const std::string& metric, const Server& server, const std::string& more = "") {
  return "roundhouse_upstream_" + metric + "{upstream=\"site\",endpoint=\"" + server.name() + "\"" +
         more + "}";
}

bool becomes(const Instance& instance, const Server& server, int healthy) {
  return eventually([&] { return instance.metric(series("healthy", server)) == healthy; });
}

// Until every worker has looked at the board: no request reaches `server` in a row of them.
bool is_avoided(const Instance& instance, const Server& server) {
  return eventually([&] {
    const int before = server.requests;
    for (int i = 0; i < 20; ++i) get(instance.web());
    return server.requests == before;
  });
}

bool is_asked(const Instance& instance, const Server& server) {
  return eventually([&] {
    const int before = server.requests;
    for (int i = 0; i < 8; ++i) get(instance.web());
    return server.requests > before;
  });
}

TEST(Health, AnEndpointThatIsNotWellGetsNoRequestsAndComesBackByItself) {
  Server a;
  Server b;
  Server c;
  Instance instance(kTwoProxies, upstream_with({&a, &b, &c}, kHttp));
  for (const Server* server : {&a, &b, &c}) EXPECT_TRUE(is_asked(instance, *server));
  b.well = false;
  EXPECT_TRUE(becomes(instance, b, 0));
  EXPECT_TRUE(is_avoided(instance, b));
  const int before = b.requests;
  for (int i = 0; i < 50; ++i) EXPECT_EQ(get(instance.web()).status, 200);
  EXPECT_EQ(b.requests, before);
  EXPECT_TRUE(
      instance.process().prints("is not well and gets no requests: it answered 503, 2 "
                                "times in a row"))
      << instance.process().output();
  EXPECT_EQ(instance.metric(series("healthy", a)), 1);
  EXPECT_GE(instance.metric(series("probes_total", b, ",result=\"failed\"")), 2);
  EXPECT_GE(instance.metric(series("probes_total", b, ",result=\"well\"")), 1);
  b.well = true;
  EXPECT_TRUE(becomes(instance, b, 1));
  EXPECT_TRUE(is_asked(instance, b));
  EXPECT_TRUE(instance.process().prints("is well again"));
}

TEST(Health, AStoppedServerIsNoticedWithoutARequest) {
  Server a;
  Server b;
  Instance instance(
      kTwoProxies,
      upstream_with({&a, &b}, ", health: {probe: connect, interval: 50ms, timeout: 1s}"));
  EXPECT_TRUE(becomes(instance, a, 1));
  a.origin.stop();
  EXPECT_TRUE(becomes(instance, a, 0));
  EXPECT_TRUE(is_avoided(instance, a));
  EXPECT_EQ(a.probes, 0) << "a connection is enough";
  a.origin.start();
  EXPECT_TRUE(becomes(instance, a, 1));
  EXPECT_TRUE(is_asked(instance, a));
}

TEST(Health, WhenNobodyIsWellRequestsAreRefusedAtOnceAndThoseInFlightFinish) {
  std::atomic<bool> held = true;
  std::atomic<bool> well = true;
  std::atomic<bool> slow_came = false;
  const Origin origin([&](const Seen& seen) {
    if (is_probe(seen))
      return Reply{.bytes = well ? ok("") : "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"};
    if (!seen.head.starts_with("GET /slow ")) return Reply{.bytes = ok("x")};
    slow_came = true;
    eventually([&] { return !held; });
    return Reply{.bytes = ok("finished")};
  });
  Instance instance(kTwoProxies, upstream_of({&origin}, kHttp));
  Client slow(instance.web());
  EXPECT_TRUE(slow.send("GET /slow HTTP/1.1\r\nHost: t\r\n\r\n"));
  EXPECT_TRUE(eventually([&] { return slow_came.load(); }));
  well = false;
  Response refused;
  EXPECT_TRUE(eventually([&] {
    if (!instance.process().prints("no endpoint of upstream site is well")) return false;
    refused = get(instance.web());
    return refused.status == 503;
  }));
  EXPECT_EQ(refused.headers.count("retry-after"), 1) << instance.process().output();
  EXPECT_NE(refused.body.find("No endpoint of the upstream is available"), std::string::npos);
  held = false;
  const Response finished = slow.receive();
  EXPECT_EQ(finished.status, 200);
  EXPECT_EQ(finished.body, "finished");
  well = true;
  EXPECT_TRUE(eventually([&] { return get(instance.web()).status == 200; }));
}

TEST(Health, EndpointsServeBeforeTheFirstProbeHasBeenAnswered) {
  std::atomic<bool> held = true;
  const Origin origin([&](const Seen& seen) {
    if (is_probe(seen)) eventually([&] { return !held; });
    return Reply{.bytes = ok("x")};
  });
  const Instance instance(kTwoProxies,
                          upstream_of({&origin}, ", health: {path: /healthz, timeout: 1h}"));
  EXPECT_EQ(get(instance.web()).status, 200);
  held = false;
}

TEST(Health, StatusShowsWhoIsNotWell) {
  Server a;
  Server b;
  b.well = false;
  const Instance instance(kTwoProxies, upstream_with({&a, &b}, kHttp));
  EXPECT_TRUE(becomes(instance, b, 0));
  const std::string table = run({binary(), "status", "--socket", instance.control_socket()}).output;
  std::istringstream lines(table);
  int shown = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.find(a.name()) != line.npos) shown += line.find("in use") != line.npos;
    if (line.find(b.name()) != line.npos) shown += line.find("unhealthy") != line.npos;
  }
  EXPECT_EQ(shown, 2) << table;
}

TEST(Health, AKilledMonitorLeavesTheBoardAndTheNextOneGoesOnFromIt) {
  Server a;
  Server b;
  Instance instance(kTwoProxies, upstream_with({&a, &b}, kHttp));
  b.well = false;
  EXPECT_TRUE(becomes(instance, b, 0));
  EXPECT_TRUE(is_avoided(instance, b));
  const double failed = instance.metric(series("probes_total", b, ",result=\"failed\""));
  const pid_t monitor = instance.monitor_pid();
  ASSERT_GT(monitor, 0);
  ::kill(monitor, SIGKILL);
  const int before = b.requests;
  EXPECT_TRUE(eventually([&] {
    EXPECT_EQ(get(instance.web()).status, 200);
    const pid_t now = instance.monitor_pid();
    return now != 0 && now != monitor;
  }));
  EXPECT_TRUE(instance.metric_reaches(series("probes_total", b, ",result=\"failed\""), failed + 3));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(get(instance.web()).status, 200);
  EXPECT_EQ(b.requests, before) << "it stays unhealthy all the time";
  EXPECT_EQ(instance.metric(series("healthy", b)), 0);
  b.well = true;
  EXPECT_TRUE(becomes(instance, b, 1));
  EXPECT_TRUE(is_asked(instance, b));
}

TEST(Health, HostileAnswersHarmNobody) {
  const std::vector<std::string> answers{
      std::string(1'000'000, 'x'), "HTTP/1.1 200 OK\r\n" + std::string(1'000'000, 'y'),
      std::string("\0\r\n\xFF", 4), "HTTP/1.1 99999 Huge\r\n\r\n", ""};
  std::atomic<std::size_t> next = 0;
  const Origin hostile([&](const Seen& seen) {
    if (!is_probe(seen)) return Reply{.bytes = ok("x")};
    return Reply{.bytes = answers[next++ % answers.size()], .then = Origin::Then::kReset};
  });
  Server well;
  Instance instance(kTwoProxies, upstream_at({hostile.address(), well.origin.address()}, kHttp));
  const pid_t monitor = instance.monitor_pid();
  EXPECT_TRUE(eventually([&] { return next >= 3 * answers.size(); }));
  EXPECT_EQ(instance.monitor_pid(), monitor);
  EXPECT_EQ(instance.metric(series("healthy", well)), 1);
  EXPECT_EQ(get(instance.web()).status, 200);
}

}  // namespace
}  // namespace roundhouse::test
