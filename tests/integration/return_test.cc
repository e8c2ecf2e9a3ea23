// Connections that outlive the worker that had them: idle ones go on at another, tunnels where they
// are.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "support/client.h"
#include "support/operated.h"
#include "support/origin.h"
#include "support/proxied.h"

namespace roundhouse::test {
namespace {

std::string given_back_by(int worker, const std::string& pool) {
  return "roundhouse_handoffs_total{pool=\"" + pool + "\",worker=\"" + std::to_string(worker) +
         "\",result=\"given_back\"}";
}

// On connections that are never given up.
Load kept_load(const Address& server, int connections) {
  return Load(connections, [server] {
    return [client = std::make_shared<Client>(server)] {
      const Response response = client->get("/");
      return response.status == 200 && !response.headers.contains("connection");
    };
  });
}

// Its answers never announce a close by their number.
Instance::Options endless() { return {.listener = "limits: {requests_per_connection: 100000000}"}; }

class ReturnOfConnections : public testing::TestWithParam<const char*> {};

TEST_P(ReturnOfConnections, NoKeptAliveRequestFailsOverReloadsRestartsAndScaling) {
  Instance instance(
      "hello: {workers: 2, worker_connections: 500, policy: " + std::string(GetParam()) + "}", "",
      endless());
  Load load = kept_load(instance.web(), 8);
  ASSERT_TRUE(load.asks(100));
  int connections = 500;
  for (int i = 0; i < 5; ++i) {
    const std::string before = "worker_connections: " + std::to_string(connections++);
    change(instance, before, "worker_connections: " + std::to_string(connections));
    const Finished done = operate(instance, {"reload"});
    EXPECT_EQ(done.ended.code, 0) << done.output;
    EXPECT_TRUE(load.asks(50));
  }
  EXPECT_EQ(operate(instance, {"restart"}).ended.code, 0);
  EXPECT_TRUE(load.asks(50));
  EXPECT_EQ(operate(instance, {"scale", "hello", "4"}).ended.code, 0);
  EXPECT_TRUE(load.asks(50));
  EXPECT_EQ(operate(instance, {"scale", "hello", "1"}).ended.code, 0);
  EXPECT_TRUE(load.asks(50));
  EXPECT_EQ(load.failed(), 0);
  EXPECT_TRUE(eventually(
      [&] { return instance.metric("roundhouse_old_generations{pool=\"hello\"}") == 0; }));
}

INSTANTIATE_TEST_SUITE_P(EachPolicy, ReturnOfConnections,
                         testing::Values("rr", "none", "least", "sticky", "rr_kernel"),
                         [](const auto& policy) { return std::string(policy.param); });

TEST(Return, AnIdleConnectionIsServedByTheNewWorkerAndItsRequestsAreCountedOn) {
  Instance instance("hello: {workers: 1}", "",
                    {.listener = "limits: {requests_per_connection: 3}"});
  Client used(instance.web());
  Client unused(instance.web());
  EXPECT_EQ(used.get("/").status, 200);
  EXPECT_EQ(used.get("/").status, 200);
  const auto before = instance.worker_pids(1);
  ASSERT_EQ(operate(instance, {"restart"}).ended.code, 0);
  ASSERT_TRUE(eventually([&] { return all_are_others(before, instance.worker_pids(1)); }));
  const Response third = used.get("/");
  EXPECT_EQ(third.status, 200);
  EXPECT_EQ(third.headers.at("connection"), "close");
  EXPECT_FALSE(unused.get("/").headers.contains("connection"));
  EXPECT_TRUE(instance.metric_reaches(given_back_by(1, "hello"), 1));
}

TEST(Return, OfARemovedListenerTheConnectionsAreToldToEnd) {
  const TemporaryDirectory folder;
  const std::string more = folder.path() + "/more.sock";
  const std::string listener = ", more: {bind: 'unix:" + more + "', pool: hello}";
  Instance instance("hello: {workers: 1}", "",
                    {.listener = "pool: hello", .more_listeners = listener});
  Client stays(instance.web());
  Client goes(*Address::parse("unix:" + more));
  EXPECT_EQ(stays.get("/").status, 200);
  EXPECT_EQ(goes.get("/").status, 200);
  change(instance, listener, "");
  ASSERT_EQ(operate(instance, {"reload"}).ended.code, 0);
  EXPECT_TRUE(goes.at_end() || goes.get("/").headers.contains("connection"));
  EXPECT_FALSE(stays.get("/").headers.contains("connection"));
}

TEST(Return, AtTheEndOfTheProgramNobodyIsAskedForAny) {
  Instance instance("hello: {workers: 2}");
  Client client(instance.web());
  EXPECT_EQ(client.get("/").status, 200);
  EXPECT_EQ(instance.stop().code, 0);
  EXPECT_TRUE(client.at_end());
}

TEST(Return, OfAWorkerThatWasNotAskedIsABreach) {
  const TemporaryDirectory directory;
  const std::string file = directory.write(
      "half.sh", "#!/bin/sh\n[ $ROUNDHOUSE_WORKER_ID = 2 ] && exec " + scripted_worker("return") +
                     "\nexec " + scripted_worker("serve") + "\n");
  Instance instance("app: {type: native, command: [/bin/sh, " + file + "], workers: 2}");
  EXPECT_TRUE(instance.process().prints("worker 2 (pid"));
  EXPECT_TRUE(instance.process().prints("worker 2 broke the protocol"));
  EXPECT_EQ(get(instance.web()).status, 200);
}

TEST(TlsAnswer, OfAWorkerThatWasGivenNoCertificatesIsABreach) {
  Instance instance("app: {type: native, command: " + scripted_worker("answer") + ", workers: 1}",
                    "", {.wait = false});
  EXPECT_TRUE(instance.process().prints("worker 1 broke the protocol"));
}

TEST(Return, OfAProgramIsNotBelievedAboutWhoThePeerIs) {
  const std::string native = "type: native, command: " + scripted_worker("forge");
  Instance instance("app: {" + native + ", workers: 1}", "", {.listener = "defer_accept: 0"});
  Client client(instance.web());
  ASSERT_TRUE(
      instance.metric_reaches("roundhouse_listener_connections_active{listener=\"web\"}", 1));
  change(instance, native, "type: hello, test_handlers: local");
  ASSERT_EQ(operate(instance, {"reload"}).ended.code, 0);
  EXPECT_EQ(client.get("/bytes?n=3").body.size(), 3U) << "it is a peer on this machine";
}

Origin::Reply echo_or_silence(const Origin::Seen& seen) {
  if (seen.head.contains("/slow")) return {};
  return {.bytes =
              "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
              "Connection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
          .then = Origin::Then::kEcho};
}

// What is echoed is an answer again.
bool open_tunnel(Client& client) {
  client.send(
      "GET /chat HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\n\r\n");
  return client.receive(true).status == 101;
}

TEST(Tunnels, GoOnAfterAReloadWhenRequestsHaveHadTheirTime) {
  const Origin origin(echo_or_silence);
  Instance instance(
      "gateway: {type: proxy, workers: 1, worker_connections: 500, timeouts: {drain: 300ms}}",
      upstream_of({&origin}));
  Client tunnel(instance.web());
  ASSERT_TRUE(open_tunnel(tunnel));
  Client slow(instance.web());
  slow.send("GET /slow HTTP/1.1\r\nHost: t\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return origin.seen().size() == 2; }));
  // More often than there may be old generations: those without a tunnel make room.
  for (int i = 0; i < 6; ++i) {
    change(instance, "worker_connections: " + std::to_string(500 + i),
           "worker_connections: " + std::to_string(501 + i));
    const Finished done = operate(instance, {"reload"});
    ASSERT_EQ(done.ended.code, 0) << done.output;
  }
  EXPECT_TRUE(slow.at_end());
  tunnel.send(ok("still there"));
  EXPECT_EQ(tunnel.receive().body, "still there");
  EXPECT_TRUE(instance.metric_reaches("roundhouse_old_generations{pool=\"gateway\"}", 1));
  ::shutdown(tunnel.fd(), SHUT_WR);
  EXPECT_TRUE(tunnel.at_end());
  EXPECT_TRUE(eventually(
      [&] { return instance.metric("roundhouse_old_generations{pool=\"gateway\"}") == 0; }));
}

TEST(Tunnels, EndWithTheirOwnTime) {
  const Origin origin(echo_or_silence);
  Instance instance(
      "gateway: {type: proxy, workers: 1, timeouts: {drain: 0s, drain_tunnels: 200ms}}",
      upstream_of({&origin}));
  Client tunnel(instance.web());
  ASSERT_TRUE(open_tunnel(tunnel));
  ASSERT_EQ(operate(instance, {"restart"}).ended.code, 0);
  EXPECT_TRUE(tunnel.at_end());
}

}  // namespace
}  // namespace roundhouse::test
