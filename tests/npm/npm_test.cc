// Servers from npm as workers, unmodified. Not a part of ./dev test, which needs no registry: ./dev
// npm.
#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/json.h"
#include "support/certificate_files.h"
#include "support/instance.h"
#include "support/node_program.h"

namespace roundhouse::test {
namespace {

std::string in_folder(const std::string& file) { return std::string(NPM_FOLDER) + "/" + file; }

// The build's folder is ours, and perhaps nobody else's.
std::string me() {
  const passwd* const entry = ::getpwuid(::geteuid());
  return entry == nullptr ? "root" : entry->pw_name;
}

std::string pool(const std::string& file, int workers, const std::string& more) {
  return "app: {command: [" + node() + ", " + in_folder(file) + "], user: " + me() +
         ", workers: " + std::to_string(workers) + ", " + more + "}";
}

// Of GET /who, from 127.0.0.9; each is text.
std::map<std::string, std::string> who(const Instance& instance, const std::string& fields = "") {
  Client client(instance.web(), *Address::parse("127.0.0.9:0"));
  std::map<std::string, std::string> said;
  const Response response = client.request("GET", "/who", fields);
  const Json json = parse_json(response.body).value_or(Json::object());
  for (const auto& [key, value] : json.items()) said[key] = value.get<std::string>();
  return said;
}

const std::string kForged =
    "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\n";

class Framework : public testing::TestWithParam<const char*> {
 protected:
  std::string file() const { return std::string(GetParam()) + ".js"; }
  // As an endpoint of the built-in proxy.
  std::string proxied(const std::string& type, const std::string& socket,
                      const std::string& trust) const {
    return pool(file(), 1,
                "type: " + type + ", socket: " + socket + ", env: {TRUST: \"" + trust + "\"}");
  }
  static Instance::Options by_proxy() { return {.listener = "via: proxy"}; }
};

TEST_P(Framework, IsServedInExactRotation) {
  for (const char* policy : {"rr", "rr_kernel"}) {
    Instance instance(pool(file(), 4, "type: node, policy: " + std::string(policy)));
    ASSERT_TRUE(instance.all_ready("app", 4)) << instance.process().output();
    std::vector<std::string> order;
    for (int i = 0; i < 20; ++i) order.push_back(who(instance)["worker"]);
    EXPECT_EQ(std::set<std::string>(order.begin(), order.begin() + 4).size(), 4u) << policy;
    for (std::size_t i = 4; i < order.size(); ++i) EXPECT_EQ(order[i], order[i - 4]) << policy;
  }
}

TEST_P(Framework, SeesTheClientItselfWhereConnectionsAreHandedToIt) {
  Instance instance(pool(file(), 1, "type: node"));
  EXPECT_EQ(who(instance, kForged)["ip"], "127.0.0.9");
  EXPECT_EQ(who(instance, kForged)["protocol"], "http");
}

// Nobody stands before it who would drop what a client claims.
TEST_P(Framework, BelievesAnybodyIfItTrustsAProxyThatIsNotThere) {
  Instance instance(pool(file(), 1, "type: node, env: {TRUST: \"true\"}"));
  EXPECT_EQ(who(instance, kForged)["ip"], "192.0.2.1");
}

TEST_P(Framework, SeesTheProxyUnlessItTrustsIt) {
  for (const char* type : {"node", "port"}) {
    Instance by_port(proxied(type, "tcp", ""), "", by_proxy());
    EXPECT_TRUE(who(by_port)["ip"].ends_with("127.0.0.1")) << type;
    Instance by_path(proxied(type, "unix", ""), "", by_proxy());
    EXPECT_EQ(who(by_path)["ip"], "none") << type;
  }
}

TEST_P(Framework, SeesTheClientAndNothingForgedThroughTheProxyThatItTrusts) {
  for (const char* type : {"node", "port"}) {
    for (const auto& [socket, trust] :
         std::vector<std::pair<std::string, std::string>>{{"tcp", "loopback"}, {"unix", "true"}}) {
      Instance instance(proxied(type, socket, trust), "", by_proxy());
      const auto seen = who(instance, kForged);
      EXPECT_EQ(seen.at("ip"), "127.0.0.9") << type << " " << socket << " " << trust;
      EXPECT_EQ(seen.at("protocol"), "http");
      EXPECT_EQ(seen.at("host"), "localhost") << "as the client says";
    }
  }
}

TEST_P(Framework, FinishesWhatItHasBegunWhenItIsStopped) {
  Instance instance(pool(file(), 2, "type: node"));
  ASSERT_TRUE(instance.all_ready("app", 2));
  Client client(instance.web());
  client.send("GET /slow HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
  ASSERT_TRUE(instance.process().prints("slow begins"));
  instance.process().signal(SIGTERM);
  EXPECT_EQ(client.receive().body, "slow");
  EXPECT_EQ(instance.process().wait().code, 0);
  EXPECT_EQ(instance.process().output().find("SIGKILL"), std::string::npos)
      << instance.process().output();
}

INSTANTIATE_TEST_SUITE_P(Npm, Framework, testing::Values("express", "fastify"),
                         [](const auto& info) { return std::string(info.param); });

// What the clients say: how many of them "ok", and the rest as it is.
struct Told {
  long ok = 0;
  std::string others;
};

Told socket_io_clients(const Instance& instance, int clients, const std::string& transports,
                       bool cookies = false) {
  std::vector<std::string> command = {node(), in_folder("socket_io_client.js"),
                                      "http://" + instance.web().to_string(),
                                      std::to_string(clients), transports};
  if (cookies) command.emplace_back("cookies");
  const Finished finished = run(command);
  EXPECT_EQ(finished.ended.code, 0) << finished.output;
  Told told;
  for (std::size_t at = 0; at < finished.output.size();) {
    const std::size_t end = finished.output.find('\n', at);
    const std::string line = finished.output.substr(at, end - at);
    if (line == "ok")
      ++told.ok;
    else
      told.others += line + "\n";
    at = end + 1;
  }
  return told;
}

TEST(SocketIo, PollsAndUpgradesToWebSocketAtOneOfFourWorkersWhereTheyAreSticky) {
  Instance instance(pool("socket_io.js", 4, "type: node, policy: sticky"));
  ASSERT_TRUE(instance.all_ready("app", 4));
  for (const char* transports : {"polling", "polling,websocket", "websocket"}) {
    const Told told = socket_io_clients(instance, 16, transports);
    EXPECT_EQ(told.ok, 16) << transports << "\n" << told.others;
  }
  int busy = 0;
  for (const char* worker : {"1", "2", "3", "4"}) {
    busy += instance.metric(R"(roundhouse_worker_connections_total{pool="app",worker=")" +
                            std::string(worker) + "\"}") > 0;
  }
  EXPECT_GT(busy, 1) << "addresses are spread";
}

// Its sessions are in the memory of one worker: polling needs `sticky`, WebSocket alone does not.
TEST(SocketIo, LosesItsSessionsWhereConnectionsRotate) {
  Instance instance(pool("socket_io.js", 4, "type: node"));
  ASSERT_TRUE(instance.all_ready("app", 4));
  const Told polling = socket_io_clients(instance, 4, "polling");
  EXPECT_EQ(polling.ok, 0);
  EXPECT_NE(polling.others.find("Session ID unknown"), std::string::npos) << polling.others;
  const Told sockets = socket_io_clients(instance, 4, "websocket");
  EXPECT_EQ(sockets.ok, 4) << sockets.others;
}

// What the warning of `sticky` proposes for clients that have one address.
TEST(SocketIo, KeepsItsSessionsByACookieOfTheProxy) {
  Instance instance(pool("socket_io.js", 4, "type: node"),
                    "upstreams: {app: {pool: app, sticky: {cookie: io-worker}}}\n");
  ASSERT_TRUE(instance.all_ready("app", 4)) << instance.process().output();
  for (const char* transports : {"polling", "polling,websocket"}) {
    const Told told = socket_io_clients(instance, 8, transports, true);
    EXPECT_EQ(told.ok, 8) << transports << "\n" << told.others;
  }
  const Told without = socket_io_clients(instance, 4, "polling");
  EXPECT_NE(without.others.find("Session ID unknown"), std::string::npos) << without.others;
}

TEST(CustomServer, ListensTwiceAndTakesUpgrades) {
  Instance instance(
      pool("custom_server.js", 2, "type: node, listen: {3000: web, 3001: inside}"), "",
      {.listener = "pool: app", .more_listeners = ", inside: {bind: '127.0.0.1:0', pool: app}"});
  ASSERT_TRUE(instance.all_ready("app", 2)) << instance.process().output();
  EXPECT_TRUE(instance.process().prints("prepared 3000"));
  const auto listening = instance.listening();
  ASSERT_EQ(listening.size(), 2u);
  std::set<std::string> site;
  for (int i = 0; i < 4; ++i) {
    site.insert(get(listening[0]).body);
    EXPECT_EQ(get(listening[1]).body, "inside");
  }
  EXPECT_EQ(site, (std::set<std::string>{"site 1", "site 2"}));
  {
    Client client(listening[0]);
    client.send(
        "GET /_hmr HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    EXPECT_EQ(client.receive(true).status, 101);
  }
  EXPECT_EQ(instance.stop().code, 0);
}

TEST(Tsx, IsALoaderOfNodes) {
  Instance instance("app: {command: [" + node() + ", --import, tsx, server.ts], cwd: " +
                    std::string(NPM_FOLDER) + ", user: " + me() + ", workers: 2}");
  ASSERT_TRUE(instance.all_ready("app", 2)) << instance.process().output();
  EXPECT_EQ(get(instance.web()).body.substr(0, 11), "typescript ");
  EXPECT_EQ(instance.stop().code, 0);
}

TEST(Tsx, AsALauncherIsRefusedWithTheLineToWrite) {
  const Finished finished =
      run({binary(), "check", "--", in_folder("node_modules/.bin/tsx"), "server.ts"});
  EXPECT_EQ(finished.ended.code, 78);
  EXPECT_NE(finished.output.find("expected `command: node --import tsx server.ts`"),
            std::string::npos)
      << finished.output;
}

// Every kind of call, between a client and a server that know nothing of us.
class Grpc : public testing::TestWithParam<bool> {};

INSTANTIATE_TEST_SUITE_P(Over, Grpc, testing::Bool(),
                         [](const auto& info) { return info.param ? "Tls" : "PlainText"; });

TEST_P(Grpc, GoesThroughFromEndToEnd) {
  Process server({node(), in_folder("grpc_server.js")});
  ASSERT_TRUE(server.prints(".\n")) << server.output();
  const std::string printed = server.output();
  const std::string port = printed.substr(5, printed.find('.') - 5);
  const CertificateFiles files(make_certificate({.names = {"127.0.0.1", "localhost"}}));
  const Instance instance("gateway: {type: proxy, workers: 2}",
                          "upstreams: {api: {servers: ['127.0.0.1:" + port + "'], protocol: h2}}\n",
                          {.listener = GetParam() ? files.tls() : ""});
  std::vector<std::string> command{node(), in_folder("grpc_client.js"),
                                   "localhost:" + std::to_string(instance.web().port())};
  if (GetParam()) command.push_back(files.path("site.pem"));
  const Finished finished = run(std::move(command));
  ASSERT_EQ(finished.ended.code, 0) << finished.output;
  const Json said = parse_json(finished.output).value_or(Json::object());
  EXPECT_EQ(said["many"], true);
  EXPECT_EQ(said["large"], 3'000'000);
  EXPECT_EQ(said["down"], 300);
  EXPECT_EQ(said["up"], 3'000'000);
  EXPECT_EQ(said["both"], 20);
  EXPECT_EQ(said["fails"], "5 no such thing");
  EXPECT_EQ(said["deadline"], 4);
}

}  // namespace
}  // namespace roundhouse::test
