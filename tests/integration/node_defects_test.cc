// What goes wrong under the primary of Node's own cluster and does not go wrong here. The numbers
// are those of docs/node.md.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>

#include "support/instance.h"
#include "support/node_program.h"

namespace roundhouse::test {
namespace {

using std::chrono::milliseconds;

std::size_t descriptors_of(pid_t pid) {
  std::size_t count = 0;
  const std::filesystem::directory_iterator end;
  std::filesystem::directory_iterator at("/proc/" + std::to_string(pid) + "/fd");
  for (; at != end; ++at) ++count;
  return count;
}

double taken_back(const Instance& instance, int worker, const std::string& result) {
  return instance.metric("roundhouse_handoffs_total{pool=\"app\",worker=\"" +
                         std::to_string(worker) + "\",result=\"" + result + "\"}");
}

constexpr const char* kRequest = "GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n";

// D1: a worker stops, gets a connection, dies; the client waits for ever.
TEST(NodeDefect, WhatADyingWorkerHadNotTakenIsServedByItsReplacement) {
  const NodeProgram program("serve().listen(3000);");
  Instance instance(program.pool(1));
  const pid_t worker = instance.worker_pids(1)[0];
  ::kill(worker, SIGSTOP);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(std::make_unique<Client>(instance.web()));
    ASSERT_TRUE(clients.back()->send(kRequest));
  }
  ASSERT_TRUE(eventually([&] {
    return get(instance.monitor(), "/api/v1/status").body.find("\"untaken\":5") !=
           std::string::npos;
  }));
  ::kill(worker, SIGKILL);
  for (const auto& client : clients) EXPECT_EQ(client->receive().status, 200);
}

// D1 too: it has read the connection and says nothing.
TEST(NodeDefect, WhatADyingWorkerHadReadAndNotAnsweredIsServedByAnother) {
  const NodeProgram program("serve().listen(3000);");
  Instance instance(one_node_one_shell(program, std::string(kShellListens) + kShellReads));
  ASSERT_TRUE(instance.all_ready("app", 2)) << instance.process().output();
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(std::make_unique<Client>(instance.web()));
    ASSERT_TRUE(clients.back()->send(kRequest));
  }
  ASSERT_TRUE(eventually([&] {
    return get(instance.monitor(), "/api/v1/status").body.find("\"untaken\":2") !=
           std::string::npos;
  }));
  ::kill(instance.worker_pids(2)[1], SIGKILL);
  for (const auto& client : clients) EXPECT_EQ(client->receive().body, "worker 1\n");
}

TEST(NodeDefect, AStoppedWorkersConnectionsGoToOthersOnceAndItServesAgainWhenContinued) {
  const NodeProgram program("serve().listen(3000);");
  Instance instance(program.pool(2));
  ASSERT_TRUE(instance.all_ready("app", 2));
  const pid_t stopped = instance.worker_pids(2)[0];
  ::kill(stopped, SIGSTOP);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(worker_of(get(instance.web())), "2");
  EXPECT_TRUE(eventually([&] { return taken_back(instance, 1, "taken_back") >= 1; }));
  ::kill(stopped, SIGCONT);
  EXPECT_TRUE(eventually([&] { return worker_of(get(instance.web())) == "1"; }));
  EXPECT_EQ(taken_back(instance, 1, "returned"), 0) << "it never saw what was taken back";
}

// What is taken back races with the worker that goes on reading.
TEST(NodeDefect, NoConnectionIsServedTwiceWhileAWorkerStopsAndGoesOn) {
  const NodeProgram program(R"js(
http.createServer((request, response) => {
  fs.appendFileSync(__dirname + '/served', request.url + '\n'); response.end(); }).listen(3000);)js");
  Instance instance(program.pool(2, "handoff: {stall: 5ms}"));
  ASSERT_TRUE(instance.all_ready("app", 2));
  const pid_t worker = instance.worker_pids(2)[0];
  constexpr int kRequests = 120;
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < kRequests; ++i) {
    ::kill(worker, i % 4 == 0 ? SIGSTOP : SIGCONT);
    clients.push_back(std::make_unique<Client>(instance.web()));
    ASSERT_TRUE(clients.back()->send("GET /" + std::to_string(i) +
                                     " HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"));
    if (i % 8 == 7) {
      for (const auto& client : clients) EXPECT_EQ(client->receive().status, 200);
      clients.clear();
    }
  }
  std::map<std::string, int> served;
  std::ifstream lines(program.file("served"));
  for (std::string line; std::getline(lines, line);) ++served[line];
  EXPECT_EQ(served.size(), static_cast<std::size_t>(kRequests));
  for (const auto& [url, times] : served) EXPECT_EQ(times, 1) << url;
}

// D2: a worker is out of descriptors once; the connection hangs, and the worker gets none any more.
TEST(NodeDefect, AWorkerOutOfDescriptorsLosesNothingAndComesBack) {
  const NodeProgram program(R"js(
const open = [];
let exhausting = false;
setInterval(() => {  // again and again: what a closed connection gives back is taken as well
  if (fs.existsSync(__dirname + '/well')) { exhausting = false; open.splice(0).forEach(fd => fs.closeSync(fd)); }
  try { while (exhausting) open.push(fs.openSync('/dev/null')); } catch {}
}, 10);
serve({'/exhaust': () => { exhausting = true; return 'soon'; }}).listen(3000);)js");
  const std::string limited = program.directory().write(
      "limited.sh", "ulimit -n 80\nexec " + node() + " " + program.file("server.js") + "\n");
  Instance instance("app: {type: node, command: [/bin/sh, " + limited + "], workers: 2}");
  ASSERT_TRUE(instance.all_ready("app", 2));
  const std::string exhausted = worker_of(get(instance.web(), "/exhaust"));
  EXPECT_TRUE(eventually([&] {
    EXPECT_EQ(get(instance.web()).status, 200);
    return taken_back(instance, std::stoi(exhausted), "returned") >= 1;
  })) << instance.process().output();
  EXPECT_TRUE(instance.process().prints("is out of descriptors: a connection goes to another"));
  program.directory().write("well", "");
  EXPECT_TRUE(eventually([&] { return worker_of(get(instance.web())) == exhausted; }));
}

// D3: every worker crashes; until one is back connections are refused.
TEST(NodeDefect, NoConnectionIsRefusedWhileAWholePoolRestarts) {
  const NodeProgram program("serve().listen(3000);");
  Instance instance(program.pool(2));
  ASSERT_TRUE(instance.all_ready("app", 2));
  for (const pid_t worker : instance.worker_pids(2)) ::kill(worker, SIGKILL);
  for (int i = 0; i < 20; ++i) {
    Client client(instance.web());
    ASSERT_TRUE(client.connected());
    EXPECT_EQ(client.get("/").status, 200);
  }
}

// D4: every worker stops; the primary accepts without bound.
TEST(NodeDefect, NothingQueuesWithoutBoundInTheEdge) {
  const NodeProgram program("serve().listen(3000);");
  Instance instance(program.pool(2, "handoff: {depth: 8}"));
  ASSERT_TRUE(instance.all_ready("app", 2));
  const std::size_t before = descriptors_of(instance.process().pid());
  const auto workers = instance.worker_pids(2);
  for (const pid_t worker : workers) ::kill(worker, SIGSTOP);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(std::make_unique<Client>(instance.web()));
    ASSERT_TRUE(clients.back()->send(kRequest));
  }
  ASSERT_TRUE(instance.metric_reaches(
      R"(roundhouse_listener_paused_seconds_total{listener="web",reason="no_worker"})", 0.3));
  EXPECT_LE(descriptors_of(instance.process().pid()), before + 16 + 4);
  for (const pid_t worker : workers) ::kill(worker, SIGCONT);
  for (const auto& client : clients) EXPECT_EQ(client->receive().status, 200);
}

// D5: every worker is at its maxConnections; primary and workers spin.
TEST(NodeDefect, NobodySpinsWhileEveryWorkerIsAtItsMaxConnections) {
  const NodeProgram program(
      "const server = serve(); server.maxConnections = 1; server.listen(3000);");
  Instance instance(program.pool(2));
  ASSERT_TRUE(instance.all_ready("app", 2));
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(std::make_unique<Client>(instance.web()));
    ASSERT_TRUE(clients.back()->send("GET / HTTP/1.1\r\nHost: t\r\n\r\n"));
  }
  const auto refusals = [&] {
    return taken_back(instance, 1, "returned") + taken_back(instance, 2, "returned");
  };
  ASSERT_TRUE(eventually([&] { return refusals() >= 8; }));
  const double before = refusals();
  const auto until = std::chrono::steady_clock::now() + milliseconds(1500);
  ASSERT_TRUE(eventually([&] { return std::chrono::steady_clock::now() >= until; }));
  EXPECT_LT(refusals() - before, 100) << "Node's primary makes thousands of it";
  int served = 0;
  EXPECT_TRUE(eventually([&] {  // who leaves makes room for who waits
    const auto answered = std::ranges::find_if(clients, [](const auto& client) {
      char byte = 0;
      return ::recv(client->fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
    });
    if (answered == clients.end()) return false;
    served += (*answered)->receive().status == 200 ? 1 : 0;
    clients.erase(answered);
    return clients.empty();
  }));
  EXPECT_EQ(served, 5);
}

// D6: `cluster.disconnect` says that all are gone when the first one is.
TEST(NodeDefect, TheStopIsCompleteWhenTheLastWorkerIsGone) {
  const NodeProgram program(R"js(
serve({'/slow': (request, response) => {
  setTimeout(() => response.end('slow'), 1000); response.flushHeaders(); }}).listen(3000);)js");
  Instance instance(program.pool(2));
  ASSERT_TRUE(instance.all_ready("app", 2));
  Client client(instance.web());
  ASSERT_TRUE(client.send("GET /slow HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"));
  ASSERT_TRUE(instance.metric_reaches(
      R"(roundhouse_handoffs_total{pool="app",worker="1",result="taken"})", 1));
  instance.process().signal(SIGTERM);
  EXPECT_EQ(client.receive().body, "slow");
  EXPECT_EQ(instance.process().wait().code, 0);
  EXPECT_EQ(instance.process().output().find("killed by"), std::string::npos)
      << instance.process().output();
}

// D7: a worker whose listen failed once gets EADDRINUSE for ever when another holds the port.
TEST(NodeDefect, AFailedListenDoesNotKeepAWorkerFromAPortThatAnotherHolds) {
  const NodeProgram program(R"js(
const extra = port => new Promise(done => { const server = net.createServer();
  server.on('error', error => done(error.code)); server.listen(port, '127.0.0.1', () => done('ok')); });
serve({'/listen': (request, response) => {
  extra(Number(fs.readFileSync(__dirname + '/port'))).then(text => response.end(text)); }})
  .listen(3000);)js");
  Instance instance(program.pool(2));
  ASSERT_TRUE(instance.all_ready("app", 2));
  const auto ask = [&](const std::string& worker) {
    for (;;) {
      Client client(instance.web());
      const bool right = worker_of(client.get("/")) == worker;
      if (right) return client.get("/listen").body;
    }
  };
  UniqueFd holder(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const Address any = Address::loopback(0);
  ASSERT_EQ(::bind(holder.get(), any.data(), any.size()), 0);
  ASSERT_EQ(::listen(holder.get(), 1), 0);
  sockaddr_in bound{};
  socklen_t size = sizeof bound;
  ::getsockname(holder.get(), reinterpret_cast<sockaddr*>(&bound), &size);
  program.directory().write("port", std::to_string(ntohs(bound.sin_port)));
  EXPECT_EQ(ask("1"), "EADDRINUSE");
  EXPECT_EQ(ask("1"), "EADDRINUSE");
  holder.reset();
  EXPECT_EQ(ask("2"), "ok");
  EXPECT_EQ(ask("1"), "ok");
}

}  // namespace
}  // namespace roundhouse::test
