// Unmodified Node programs as workers: what works under Node's own cluster works here.
#include "support/node_program.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "support/instance.h"

namespace roundhouse::test {
namespace {

std::string listens_of(const Instance& instance) {
  return get(instance.monitor(), "/api/v1/status").body;
}

TEST(NodeProgram, IsServedInExactRotationOnThePortOfTheListener) {
  const NodeProgram program("serve().listen(3000);");
  Instance instance(program.pool(3));
  ASSERT_TRUE(instance.all_ready("app", 3)) << instance.process().output();
  std::map<std::string, int> served;
  for (int i = 0; i < 12; ++i) ++served[worker_of(get(instance.web()))];
  EXPECT_EQ(served, (std::map<std::string, int>{{"1", 4}, {"2", 4}, {"3", 4}}));
  EXPECT_NE(listens_of(instance).find("3000 -> web (127.0.0.1:"), std::string::npos);
  EXPECT_TRUE(
      instance.metric_reaches(R"(roundhouse_worker_connections_total{pool="app",worker="1"})", 4));
  EXPECT_EQ(instance.metric(R"(roundhouse_worker_requests_total{pool="app",worker="1"})"), -1)
      << "what it does not tell is absent";
  EXPECT_EQ(instance.stop().code, 0);
}

TEST(NodeProgram, HoldsConnectionsThatAreCountedFromOutside) {
  const NodeProgram program("serve().listen(3000);");
  Instance instance(program.pool(2));
  ASSERT_TRUE(instance.all_ready("app", 2)) << instance.process().output();
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(std::make_unique<Client>(instance.web()));
    ASSERT_EQ(clients.back()->get("/").status, 200);
  }
  EXPECT_TRUE(
      instance.metric_reaches(R"(roundhouse_listener_connections_active{listener="web"})", 5));
  EXPECT_EQ(instance.metric(R"(roundhouse_worker_connections_active{pool="app",worker="1"})"), 3);
  clients.resize(2);
  EXPECT_TRUE(eventually([&] {
    return instance.metric(R"(roundhouse_listener_connections_active{listener="web"})") == 2;
  }));
}

TEST(NodeProgram, SeesAClusterWorkerAsUnderNodesOwnPrimary) {
  const NodeProgram program(R"js(
const server = serve({'/facts': () => [cluster.isWorker, cluster.isPrimary,
  cluster.worker.isConnected(), typeof process.send, server.address().port,
  process.env.NODE_UNIQUE_ID, process.env.NODE_CHANNEL_FD, process.env.NODE_APP_INSTANCE].join()});
server.listen(3000);)js");
  Instance instance(program.pool(1));
  EXPECT_EQ(get(instance.web(), "/facts").body, "true,false,true,function,3000,,,0");
}

TEST(NodeProgram, IsToldThePortOfTheListenerUnlessPortIsSet) {
  const NodeProgram program(
      "serve().listen(process.env.PORT, () => console.log('on', process.env.PORT));");
  Instance instance(program.pool(1));
  EXPECT_TRUE(instance.process().prints("on " + std::to_string(instance.web().port())));
  Instance with_its_own(program.pool(1, "env: {PORT: 3456}"));
  EXPECT_TRUE(with_its_own.process().prints("on 3456"));
  EXPECT_EQ(get(with_its_own.web()).status, 200);
}

TEST(NodeProgram, SeveralListensFindTheirListeners) {
  const NodeProgram program(R"js(
http.createServer((q, r) => r.end('site')).listen(3000);
http.createServer((q, r) => r.end('admin')).listen(3001);)js");
  Instance instance(
      program.pool(2, "listen: {3000: web, 3001: admin}"), "",
      {.listener = "pool: app", .more_listeners = ", admin: {bind: '127.0.0.1:0', pool: app}"});
  const auto listening = instance.listening();
  ASSERT_EQ(listening.size(), 2u);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(get(listening[0]).body, "site");
    EXPECT_EQ(get(listening[1]).body, "admin");
  }
}

TEST(NodeProgram, ASecondListenOnAnyPortIsASocketThatTheWorkersShare) {
  const NodeProgram program(R"js(
const second = http.createServer((q, r) => r.end('second'));
serve({'/second': () => second.listening ? String(second.address().port) : 'none'})
  .listen(3000, () => second.listen(0, '127.0.0.1'));)js");
  Instance instance(program.pool(2));
  ASSERT_TRUE(instance.all_ready("app", 2));
  ASSERT_TRUE(instance.process().prints("any port -> a socket of its own"));
  std::set<std::string> ports;
  ASSERT_TRUE(eventually([&] {
    ports.clear();
    for (int i = 0; i < 6; ++i) ports.insert(get(instance.web(), "/second").body);
    return ports.size() == 1 && !ports.contains("none");
  }));
  EXPECT_EQ(get(*Address::parse("127.0.0.1:" + *ports.begin())).body, "second");
}

TEST(NodeProgram, ListensOnAUnixPathWhichGoesWithIt) {
  const NodeProgram program(R"js(
serve().listen(3000, () => serve().listen({path: __dirname + '/app.sock', writableAll: true}));)js");
  Instance instance(program.pool(2));
  ASSERT_TRUE(instance.process().prints("app.sock -> a socket of its own"))
      << instance.process().output();
  const Address address = *Address::parse("unix:" + program.file("app.sock"));
  EXPECT_TRUE(eventually([&] { return get(address).status == 200; }));
  EXPECT_EQ(instance.stop().code, 0);
  EXPECT_NE(::access(program.file("app.sock").c_str(), F_OK), 0);
}

TEST(NodeProgram, ExclusiveListensAreItsOwnAffair) {
  const NodeProgram program(R"js(
const own = http.createServer((q, r) => r.end('own ' + me));
own.listen({port: 0, host: '127.0.0.1', exclusive: true});
serve({'/own': () => String(own.address().port)}).listen(3000);)js");
  Instance instance(program.pool(2));
  ASSERT_TRUE(instance.all_ready("app", 2));
  for (int i = 0; i < 4; ++i) {
    const Response response = get(instance.web(), "/own");
    EXPECT_EQ(get(*Address::parse("127.0.0.1:" + response.body)).body,
              "own " + worker_of(response));
  }
}

TEST(NodeProgram, ADatagramSocketIsSharedByTheWorkers) {
  const NodeProgram program(R"js(
const socket = dgram.createSocket('udp4');
socket.on('message', (text, from) => socket.send(text + '!', from.port, from.address));
socket.bind(0, '127.0.0.1', () =>
  serve({'/udp': () => String(socket.address().port)}).listen(3000));)js");
  Instance instance(program.pool(2));
  ASSERT_TRUE(instance.all_ready("app", 2));
  const std::string port = get(instance.web(), "/udp").body;
  EXPECT_EQ(get(instance.web(), "/udp").body, port);
  const Address address = *Address::parse("127.0.0.1:" + port);
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::connect(socket.get(), address.data(), address.size()), 0);
  ASSERT_EQ(::send(socket.get(), "hi", 2, 0), 2);
  char text[8] = {};
  EXPECT_EQ(::recv(socket.get(), text, sizeof text, 0), 3);
  EXPECT_STREQ(text, "hi!");
}

TEST(NodeProgram, ItsOwnMessagesAreCountedAndOtherwiseIgnored) {
  const NodeProgram program(R"js(
serve({'/send': () => { process.send('text'); process.send({cmd: 'mine'}); process.send(7);
  process.send({much: 'x'.repeat(2000000)}); process.send({cmd: 'NODE_CLUSTER', ack: -1});
  return 'sent'; }}).listen(3000);)js");
  Instance instance(program.pool(1));
  EXPECT_EQ(get(instance.web(), "/send").body, "sent");
  EXPECT_TRUE(
      instance.metric_reaches(R"(roundhouse_worker_messages_total{pool="app",worker="1"})", 4));
  EXPECT_EQ(get(instance.web()).status, 200);
}

TEST(NodeProgram, SpeaksTheAdvancedSerialisationWhereTheEnvironmentAsksForIt) {
  const NodeProgram program(R"js(
serve({'/send': () => { const m = new Map([[1, 2n]]); m.set('self', m); process.send(m);
  process.send({big: Buffer.alloc(300000)}); return 'sent'; }}).listen(3000);)js");
  Instance instance(program.pool(2, "env: {NODE_CHANNEL_SERIALIZATION_MODE: advanced}"));
  ASSERT_TRUE(instance.all_ready("app", 2));
  EXPECT_EQ(get(instance.web(), "/send").body, "sent");
  EXPECT_TRUE(
      instance.metric_reaches(R"(roundhouse_worker_messages_total{pool="app",worker="1"})", 2));
  for (int i = 0; i < 6; ++i) EXPECT_EQ(get(instance.web()).status, 200);
  EXPECT_EQ(instance.stop().code, 0);
}

TEST(NodeProgram, ASocketThatItSendsIsClosedAndItsServerCanClose) {
  const NodeProgram program(R"js(
let closed = false;
const giving = net.createServer(socket => process.send('take it', socket)).listen(0, '127.0.0.1');
serve({'/port': () => String(giving.address().port), '/closed': () => String(closed),
  '/close': () => { giving.close(() => { closed = true; }); return ''; }}).listen(3000);)js");
  Instance instance(program.pool(1));
  const std::string port = get(instance.web(), "/port").body;
  Client given(*Address::parse("127.0.0.1:" + port));
  EXPECT_TRUE(given.at_end());
  get(instance.web(), "/close");
  EXPECT_TRUE(eventually([&] { return get(instance.web(), "/closed").body == "true"; }));
}

TEST(NodeProgram, DisconnectingIsNoCrashAndItIsReplaced) {
  for (const char* how : {"cluster.worker.disconnect()", "cluster.worker.kill()",
                          "process.disconnect()", "process.exit(0)"}) {
    const NodeProgram program("serve({'/leave': () => { setImmediate(() => " + std::string(how) +
                              "); return 'bye'; }}).listen(3000);");
    Instance instance(program.pool(2));
    ASSERT_TRUE(instance.all_ready("app", 2));
    const Response response = get(instance.web(), "/leave");
    EXPECT_EQ(response.body, "bye");
    const std::string labels = "{pool=\"app\",worker=\"" + worker_of(response) + "\",";
    EXPECT_TRUE(instance.metric_reaches(
        "roundhouse_worker_restarts_total" + labels + "reason=\"exited\"}", 1))
        << how << "\n"
        << instance.process().output();
    EXPECT_EQ(instance.metric("roundhouse_worker_crashes_total" + labels + "signal=\"none\"}"), 0);
    EXPECT_TRUE(instance.all_ready("app", 2));
    for (int i = 0; i < 4; ++i) EXPECT_EQ(get(instance.web()).status, 200);
  }
}

TEST(NodeProgram, AnExitThatItAnnouncedIsNoCrashWhateverItsCode) {
  const NodeProgram program(R"js(
serve({'/leave': () => { cluster.worker.on('disconnect', () => process.exit(3));
  setImmediate(() => cluster.worker.disconnect()); return 'bye'; }}).listen(3000);)js");
  Instance instance(program.pool(1));
  EXPECT_EQ(get(instance.web(), "/leave").body, "bye");
  EXPECT_TRUE(instance.process().prints("died: exit code 3"));
  EXPECT_TRUE(instance.metric_reaches(
      R"(roundhouse_worker_restarts_total{pool="app",worker="1",reason="exited"})", 1));
}

TEST(NodeProgram, AServerThatClosesAndListensAgainIsServedAgain) {
  const NodeProgram program(R"js(
let server;
const start = () => { server = serve({'/again': () => {
  setImmediate(() => { server.close(start); server.closeIdleConnections?.(); }); return 'again'; }});
  server.listen(3000); };
start();)js");
  Instance instance(program.pool(2));
  ASSERT_TRUE(instance.all_ready("app", 2));
  for (int i = 0; i < 6; ++i) EXPECT_EQ(get(instance.web(), "/again").body, "again");
  std::set<std::string> workers;
  EXPECT_TRUE(eventually([&] {
    workers.insert(worker_of(get(instance.web())));
    return workers.size() == 2;
  }));
}

TEST(NodeProgram, WorkersShareTheirSessionTicketKeys) {
  const NodeProgram program(R"js(
const secure = require('tls').createServer({});
serve({'/keys': () => secure.getTicketKeys().toString('hex')}).listen(3000);
secure.listen(0, '127.0.0.1');)js");
  Instance instance(program.pool(3));
  ASSERT_TRUE(instance.all_ready("app", 3));
  EXPECT_TRUE(eventually([&] {
    std::set<std::string> keys;
    for (int i = 0; i < 3; ++i) keys.insert(get(instance.web(), "/keys").body);
    return keys.size() == 1;
  }));
}

TEST(NodeProgram, StickyKeepsAnAddressWithItsWorker) {
  const NodeProgram program("serve().listen(3000);");
  Instance instance(program.pool(3, "policy: sticky"));
  ASSERT_TRUE(instance.all_ready("app", 3));
  std::set<std::string> workers;
  for (int i = 0; i < 9; ++i) workers.insert(worker_of(get(instance.web())));
  EXPECT_EQ(workers.size(), 1u);
}

TEST(NodeProgram, UnderPolicyNoneItAcceptsFromTheListenersSocket) {
  const NodeProgram program("serve().listen(process.env.PORT);");
  Instance instance(program.pool(2, "policy: none"));
  ASSERT_TRUE(instance.all_ready("app", 2));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(get(instance.web()).status, 200);
  EXPECT_EQ(instance.metric(R"(roundhouse_worker_connections_total{pool="app",worker="1"})"), -1);
  EXPECT_EQ(instance.stop().code, 0);
}

TEST(NodeProgram, UnderPolicyNoneAnotherPortIsRefusedWithTheReason) {
  const NodeProgram program("serve().listen(3999);");
  Instance instance(program.pool(1, "policy: none"), "", {.wait = false});
  EXPECT_TRUE(instance.process().prints("with policy none both must be the same port"));
  EXPECT_TRUE(instance.process().prints("EADDRINUSE"));
  EXPECT_EQ(instance.process().wait().code, 1);
}

}  // namespace
}  // namespace roundhouse::test
