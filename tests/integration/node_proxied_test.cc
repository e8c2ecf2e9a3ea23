// Node programs behind proxies: each worker an endpoint of an upstream, on a private socket.
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "support/instance.h"
#include "support/node_program.h"

namespace roundhouse::test {
namespace {

const char* const kSite = "upstreams: {site: {pool: app}}\n";

Instance::Options proxied() { return {.listener = "pool: front"}; }
std::string with_front(const std::string& pool) { return pool + ", front: {type: proxy}"; }

TEST(NodeProxied, AnUnmodifiedProgramIsBalancedByRequestsOverKeptConnections) {
  const NodeProgram program(R"js(
const server = serve({'/me': () => JSON.stringify(server.address()),
  '/from': request => String(request.headers['x-forwarded-for'])});
server.listen(3000);)js");
  Instance instance(with_front(program.pool(3)), kSite, proxied());
  ASSERT_TRUE(instance.all_ready("app", 3));
  EXPECT_TRUE(instance.process().prints("pool app listens on 3000 -> private sockets"));
  Client client(instance.web());
  std::set<std::string> workers;
  for (int i = 0; i < 60; ++i) workers.insert(worker_of(client.get("/")));
  EXPECT_EQ(workers.size(), 3U) << "one connection of a client, and its requests go to all";
  EXPECT_EQ(client.get("/me").body, R"({"address":"127.0.0.1","family":"IPv4","port":3000})")
      << "the host of the listener in front, the port that it asked for";
  EXPECT_EQ(client.get("/from").body, "127.0.0.1");
  EXPECT_EQ(instance.stop().code, 0);
}

TEST(NodeProxied, APortThatAnyListenerHasIsNoObstacle) {
  const NodeProgram program(
      "serve().listen(process.env.PORT, () => console.log(process.env.PORT));");
  Instance instance(with_front(program.pool(2)), kSite, proxied());
  ASSERT_TRUE(instance.all_ready("app", 2));
  EXPECT_TRUE(instance.process().prints(std::to_string(instance.web().port())));
  EXPECT_EQ(get(instance.web()).status, 200);
}

TEST(NodeProxied, WhatOnlyProxiesCanHoldPutsThemInFront) {
  const NodeProgram program("serve().listen(3000);");
  Instance instance(program.pool(2, "listen: {3000: web}"), "",
                    {.listener = "pool: app, limits: {body: 10}"});
  ASSERT_TRUE(instance.all_ready("app", 2));
  EXPECT_EQ(get(instance.web()).status, 200);
  Client client(instance.web());
  EXPECT_EQ(client.request("POST", "/", "", "hello world").status, 413);
}

TEST(NodeProxied, TheSameWorkersServeAListenerDirectly) {
  const NodeProgram program(R"js(
serve({'/via': request => String(request.headers.via)}).listen(3000);)js");
  Instance instance(program.pool(2), kSite,
                    {.listener = "pool: app",
                     .more_listeners = ", proxied: {bind: '127.0.0.1:0', pool: gateway}"});
  ASSERT_TRUE(instance.all_ready("app", 2));
  const auto listening = instance.listening();
  ASSERT_EQ(listening.size(), 2U);
  EXPECT_EQ(get(listening[0], "/via").body, "undefined");
  EXPECT_EQ(get(listening[1], "/via").body, "1.1 roundhouse");
  EXPECT_EQ(instance.stop().code, 0);
}

TEST(NodeProxied, OneOfSeveralPortsIsMappedToTheProxies) {
  const NodeProgram program(R"js(
http.createServer((q, r) => r.end('site')).listen(3000);
setTimeout(() => http.createServer((q, r) => r.end('api')).listen(3001), 300);)js");
  Instance instance(program.pool(2, "listen: {3000: web, 3001: private}"), kSite,
                    {.listener = "pool: app",
                     .more_listeners = ", proxied: {bind: '127.0.0.1:0', pool: gateway}"});
  ASSERT_TRUE(instance.all_ready("app", 2));
  const auto listening = instance.listening();
  ASSERT_EQ(listening.size(), 2U);
  EXPECT_EQ(get(listening[1]).body, "api") << "it waits for that";
  EXPECT_EQ(get(listening[0]).body, "site");
}

TEST(NodeProxied, TheDeathOfOneIsSeenByNoClient) {
  const NodeProgram program("serve().listen(3000);");
  Instance instance(with_front(program.pool(2)), kSite, proxied());
  ASSERT_TRUE(instance.all_ready("app", 2));
  for (int round = 0; round < 3; ++round) {
    ::kill(instance.worker_pids(2, "app")[0], SIGKILL);
    for (int i = 0; i < 30; ++i) EXPECT_EQ(get(instance.web()).status, 200);
    ASSERT_TRUE(instance.all_ready("app", 2));
  }
}

TEST(NodeProxied, RequestsWaitWhileTheOnlyOneIsReplaced) {
  const NodeProgram program("serve().listen(3000);");
  Instance instance(with_front(program.pool(1)), kSite, proxied());
  ASSERT_TRUE(instance.all_ready("app", 1));
  const std::string before = get(instance.web()).headers.at("worker-pid");
  ::kill(std::stoi(before), SIGKILL);
  const Response after = get(instance.web());
  EXPECT_EQ(after.status, 200);
  EXPECT_NE(after.headers.at("worker-pid"), before);
}

TEST(NodeProxied, AWorkerThatHasClosedItsServerIsAskedNoMore) {
  const NodeProgram program(R"js(
const server = serve({'/close': (request, response) => {
  response.end('closed', () => server.close(() => console.log('it is closed'))); }});
server.listen(3000);)js");
  Instance instance(with_front(program.pool(2)),
                    "upstreams: {site: {pool: app, timeouts: {response: 2s}}}\n", proxied());
  ASSERT_TRUE(instance.all_ready("app", 2));
  EXPECT_EQ(get(instance.web(), "/close").body, "closed");
  ASSERT_TRUE(instance.process().prints("it is closed"));
  std::set<std::string> workers;
  for (int i = 0; i < 20; ++i) {
    const Response response = get(instance.web());
    ASSERT_EQ(response.status, 200);
    workers.insert(worker_of(response));
  }
  EXPECT_EQ(workers.size(), 1U);
  EXPECT_EQ(instance.stop().code, 0);
}

TEST(NodeProxied, WhatAWorkerThatIsNotReplacedHadNotTakenIsTriedAtAnother) {
  const NodeProgram program(R"js(
if (me === 1 && fs.existsSync(process.argv[1] + '.broken')) process.exit(3);
serve().listen(3000);)js");
  Instance instance(with_front(program.pool(2, "restart: {failed_starts: 2, burst: 2}")),
                    "upstreams: {site: {pool: app, timeouts: {response: 20s}}}\n", proxied());
  ASSERT_TRUE(instance.all_ready("app", 2));
  std::ofstream(program.file("server.js.broken")) << "yes";
  const pid_t first = instance.worker_pids(2, "app")[0];
  ::kill(first, SIGSTOP);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(std::make_unique<Client>(instance.web()));
    ASSERT_TRUE(clients.back()->send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  }
  ASSERT_TRUE(instance.metric_reaches(
      R"(roundhouse_upstream_requests_in_flight{upstream="site",endpoint="app/1"})", 1));
  ::kill(first, SIGKILL);
  for (const auto& client : clients) EXPECT_EQ(client->receive().status, 200);
}

TEST(NodeProxied, FewDescriptorsKeepNobodyFromBeingReplaced) {
  const NodeProgram program("serve().listen(3000);");
  Instance instance(program.pool(6), kSite,
                    {.process = {.descriptor_limit = 88},
                     .listener = "pool: app",
                     .more_listeners = ", proxied: {bind: '127.0.0.1:0', pool: gateway}"});
  ASSERT_TRUE(instance.all_ready("app", 6));
  const std::vector<pid_t> workers = instance.worker_pids(6, "app");
  const auto listening = instance.listening();
  for (const pid_t pid : workers) ::kill(pid, SIGSTOP);
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t i = 0; i < 100; ++i) {
    clients.push_back(std::make_unique<Client>(listening[i % 2]));
    ASSERT_TRUE(clients.back()->send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
  }
  ASSERT_TRUE(instance.metric_reaches(
      R"(roundhouse_upstream_requests_in_flight{upstream="site",endpoint="app/1"})", 1));
  for (const pid_t pid : workers) ::kill(pid, SIGKILL);
  for (const auto& client : clients) EXPECT_EQ(client->receive().status, 200);
  EXPECT_TRUE(instance.all_ready("app", 6));
  EXPECT_EQ(instance.process().output().find("Too many open files"), std::string::npos);
}

TEST(NodeProxied, StickyHasNothingToSayOfTheProxies) {
  const NodeProgram program(R"js(
serve({'/': (request, response) => { response.setHeader('Connection', 'close'); return 'done'; }})
  .listen(3000);)js");
  Instance instance(program.pool(2, "policy: sticky"), kSite,
                    {.listener = "pool: app",
                     .more_listeners = ", proxied: {bind: '127.0.0.1:0', pool: gateway}"});
  ASSERT_TRUE(instance.all_ready("app", 2));
  const auto listening = instance.listening();
  ASSERT_EQ(listening.size(), 2U);
  for (int i = 0; i < 300; ++i) ASSERT_EQ(get(listening[1]).status, 200);
  EXPECT_EQ(instance.stop().code, 0);
  EXPECT_EQ(instance.process().output().find("is sticky by"), std::string::npos);
}

TEST(NodeProxied, StatusTellsWhichEndpointIsNotReady) {
  const NodeProgram program(
      "if (me === 2) setInterval(() => {}, 1000); else serve().listen(3000);");
  Instance instance(with_front(program.pool(2)), kSite, proxied());
  ASSERT_TRUE(instance.all_ready("app", 1));
  const std::string status =
      run({binary(), "status", "--socket", instance.control_socket()}).output;
  EXPECT_NE(status.find("app/1     in use"), std::string::npos) << status;
  EXPECT_NE(status.find("app/2     not ready"), std::string::npos) << status;
}

TEST(NodeProxied, ThePrivateSocketMayBeAPortForProgramsThatLookAtTheirPeer) {
  const NodeProgram program(R"js(
serve({'/peer': request => String(request.socket.remoteAddress)}).listen(3000);)js");
  Instance instance(with_front(program.pool(2, "socket: tcp")), kSite, proxied());
  ASSERT_TRUE(instance.all_ready("app", 2));
  EXPECT_EQ(get(instance.web(), "/peer").body, "127.0.0.1");
  Instance unix_sockets(with_front(program.pool(2, "socket: unix")), kSite, proxied());
  ASSERT_TRUE(unix_sockets.all_ready("app", 2));
  EXPECT_EQ(get(unix_sockets.web(), "/peer").body, "undefined");
}

TEST(NodeProxied, AStopLetsWhatIsInFlightEnd) {
  const NodeProgram program(R"js(
serve({'/slow': (request, response) => {
  console.log('it has begun'); setTimeout(() => response.end('done'), 400); }}).listen(3000);)js");
  Instance instance(with_front(program.pool(2)), kSite, proxied());
  ASSERT_TRUE(instance.all_ready("app", 2));
  Client client(instance.web());
  ASSERT_TRUE(client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"));
  ASSERT_TRUE(instance.process().prints("it has begun"));
  instance.process().signal(SIGTERM);
  EXPECT_EQ(client.receive().body, "done");
  EXPECT_EQ(instance.process().wait().code, 0);
}

TEST(NodeProxied, AWorkerThatNoLongerAnswersItsProbeIsReplaced) {
  const NodeProgram program(R"js(
let wedged = false;
serve({'/well': () => wedged ? undefined : 'well',
  '/wedge': () => { wedged = true; return 'wedged'; }}).listen(3000);)js");
  Instance instance(
      with_front(program.pool(
          1, "liveness: {path: /well, interval: 50ms, timeout: 200ms, failures: 2, kill: 100ms}")),
      kSite, proxied());
  ASSERT_TRUE(instance.all_ready("app", 1));
  EXPECT_EQ(get(instance.web(), "/wedge").body, "wedged");
  EXPECT_TRUE(instance.process().prints("(GET /well: no answer in time, 2 times in a row)"));
  EXPECT_TRUE(instance.metric_reaches(
      R"(roundhouse_worker_restarts_total{pool="app",worker="1",reason="hang"})", 1));
  EXPECT_EQ(get(instance.web(), "/well").body, "well");
}

}  // namespace
}  // namespace roundhouse::test
