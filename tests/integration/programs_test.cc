// Programs that know nothing of us: their sockets, their readiness, their end.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "support/instance.h"

namespace roundhouse::test {
namespace {

std::string pool_of(const std::string& script, const std::string& more) {
  return "app: {command: " + scripted_program(script) + ", " + more + "}";
}

std::string pid_of(const Response& response) {
  const auto found = response.headers.find("program-pid");
  return found == response.headers.end() ? "" : found->second;
}

bool is_alive(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  return std::getline(stat, line) && line.find(") Z") == std::string::npos;
}

TEST(ListenFds, ProgramsGetTheListenersSocketAsSystemdGivesIt) {
  Instance instance(pool_of("serve", "type: listen_fds, workers: 2, ready: {settle: 10ms}"));
  ASSERT_TRUE(instance.all_ready("app", 2));
  Client client(instance.web());
  const std::string pid = pid_of(client.get("/"));
  EXPECT_EQ(client.get("/env/LISTEN_PID").body, pid) << "its own";
  EXPECT_EQ(client.get("/env/LISTEN_FDS").body, "1");
  EXPECT_EQ(client.get("/env/LISTEN_FDNAMES").body, "web");
  const std::string id = client.get("/env/ROUNDHOUSE_WORKER_ID").body;
  EXPECT_EQ(client.get("/env/NODE_APP_INSTANCE").body, std::to_string(std::stoi(id) - 1));
  EXPECT_EQ(instance.stop().code, 0);
}

TEST(ListenFds, WhatOneWorkersDeathLeavesInTheBacklogAnotherServes) {
  Instance instance(pool_of("serve", "type: listen_fds, workers: 1, ready: {settle: 10ms}"));
  ASSERT_TRUE(instance.all_ready("app", 1));
  get(instance.web(), "/die");
  EXPECT_EQ(get(instance.web()).body, "program 1\n") << "it waited for the replacement";
  EXPECT_TRUE(instance.process().prints("died: exit code 3 after"));
}

TEST(ListenFds, ConnectionsAreCountedFromOutside) {
  Instance instance(pool_of("serve", "type: listen_fds, workers: 2, ready: {settle: 10ms}"));
  ASSERT_TRUE(instance.all_ready("app", 2));
  Client one(instance.web());
  Client other(instance.web());
  ASSERT_EQ(one.get("/").status, 200);
  ASSERT_EQ(other.get("/").status, 200);
  EXPECT_TRUE(eventually([&] {
    return instance.metric(R"(roundhouse_worker_connections_active{pool="app",worker="1"})") +
               instance.metric(R"(roundhouse_worker_connections_active{pool="app",worker="2"})") ==
           2;
  }));
  EXPECT_EQ(instance.metric(R"(roundhouse_listener_connections_active{listener="web"})"), 2);
}

TEST(ListenFds, AProgramThatNotifiesIsReadyThenAndNotBefore) {
  Instance instance(pool_of("notify", "type: listen_fds, workers: 1, ready: {by: notify}"));
  EXPECT_TRUE(instance.all_ready("app", 1));
  Instance silent(pool_of("serve",
                          "type: listen_fds, workers: 1, ready: {by: notify}, timeouts: {ready: "
                          "200ms}, liveness: {kill: 10ms}"),
                  "", {.arguments = {}, .process = {}, .wait = false});
  EXPECT_TRUE(silent.process().prints("(it was not ready in time), never ready"))
      << silent.process().output();
}

TEST(ListenFds, TheEdgesOwnSocketActivationIsNotPassedOn) {
  Instance instance(
      pool_of("serve", "type: port, workers: 1"), "",
      {.arguments = {},
       .process = {.environment = {"LISTEN_FDS=9", "LISTEN_PID=1", "NOTIFY_SOCKET=/run/nobody"}}});
  EXPECT_EQ(get(instance.web(), "/env/LISTEN_FDS").body, "");
  EXPECT_EQ(get(instance.web(), "/env/NOTIFY_SOCKET").body, "");
}

TEST(Port, AProgramThatListensOnPortIsServedByProxiesBeforeIt) {
  Instance instance(pool_of("serve", "workers: 3"));
  ASSERT_TRUE(instance.all_ready("app", 3));
  std::map<std::string, int> seen;
  for (int i = 0; i < 30; ++i) ++seen[get(instance.web()).body];
  EXPECT_EQ(seen.size(), 3U);
  EXPECT_EQ(seen.count("program 1\n"), 1U);
  EXPECT_NE(get(instance.web(), "/env/PORT").body, "");
  EXPECT_EQ(instance.stop().code, 0);
}

TEST(Port, TheDeathOfOneIsSeenByNoClient) {
  Instance instance(pool_of("serve", "workers: 2"));
  ASSERT_TRUE(instance.all_ready("app", 2));
  for (int round = 0; round < 3; ++round) {
    ::kill(instance.worker_pids(2, "app")[0], SIGKILL);
    for (int i = 0; i < 20; ++i) EXPECT_EQ(get(instance.web()).status, 200);
    ASSERT_TRUE(instance.all_ready("app", 2));
  }
}

TEST(Port, RequestsWaitWhileTheOnlyOneIsReplaced) {
  Instance instance(pool_of("serve", "workers: 1"));
  ASSERT_TRUE(instance.all_ready("app", 1));
  ::kill(std::stoi(pid_of(get(instance.web()))), SIGKILL);
  EXPECT_EQ(get(instance.web()).body, "program 1\n");
}

TEST(Port, ItMayBeAPrivatePathInstead) {
  Instance instance(pool_of("serve", "workers: 2, socket: unix"));
  ASSERT_TRUE(instance.all_ready("app", 2));
  const std::string path = get(instance.web(), "/env/SOCKET").body;
  EXPECT_TRUE(path.ends_with(".sock")) << path;
  EXPECT_EQ(get(instance.web(), "/env/PORT").body, "");
  ::kill(instance.worker_pids(2, "app")[0], SIGKILL);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(get(instance.web()).status, 200);
  EXPECT_TRUE(instance.all_ready("app", 2)) << "its old path does not stand in its way";
  EXPECT_EQ(instance.stop().code, 0);
  EXPECT_FALSE(std::ifstream(path).good()) << "nothing is left behind";
}

// In a folder of its own: any other edge that starts meanwhile would be the next one.
TEST(Port, ThePathsOfAnEdgeThatWasKilledAreRemovedByTheNext) {
  const TemporaryDirectory base;
  std::filesystem::permissions(base.path(), std::filesystem::perms(0755));
  const Instance::Options options{.process = {.environment = {"RUNTIME_DIRECTORY=" + base.path()}}};
  std::string path;
  {
    Instance instance(pool_of("serve", "workers: 1, socket: unix"), "", options);
    path = get(instance.web(), "/env/SOCKET").body;
    instance.process().signal(SIGKILL);
    instance.process().wait();
  }
  const std::string folder = path.substr(0, path.rfind('/'));
  EXPECT_TRUE(folder.starts_with(base.path() + "/")) << folder;
  EXPECT_TRUE(std::filesystem::exists(folder)) << folder;
  Instance next(pool_of("serve", "workers: 1, socket: unix"), "", options);
  EXPECT_FALSE(std::filesystem::exists(folder));
  EXPECT_EQ(get(next.web()).body, "program 1\n");
}

TEST(Port, ListenFdsIsServedByProxiesTooAndTheSameProgramServesBoth) {
  Instance instance(pool_of("serve", "type: listen_fds, workers: 2, ready: {settle: 10ms}"),
                    "upstreams: {site: {pool: app}}\n",
                    {.arguments = {},
                     .listener = "pool: app",
                     .more_listeners = ", proxied: {bind: '127.0.0.1:0'}"});
  ASSERT_TRUE(instance.all_ready("app", 2));
  EXPECT_EQ(get(instance.web(), "/env/LISTEN_FDNAMES").body, "web:private");
  Instance proxied(pool_of("serve", "type: listen_fds, workers: 2, ready: {settle: 10ms}") +
                       ", front: {type: proxy}",
                   "upstreams: {site: {pool: app}}\n",
                   {.arguments = {}, .listener = "pool: front"});
  ASSERT_TRUE(proxied.all_ready("app", 2));
  EXPECT_EQ(get(proxied.web(), "/env/LISTEN_FDNAMES").body, "private");
  get(proxied.web(), "/die");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(get(proxied.web()).status, 200);
}

TEST(Port, APoolAndServersAreUpstreamsBesideOneAnother) {
  Instance server("app: {type: hello, workers: 1}");
  Instance instance(pool_of("serve", "workers: 2"),
                    "upstreams: {site: {pool: app}, other: ['" + server.web().to_string() +
                        "']}\nroutes: [{path: /other, upstream: other}, {upstream: site}]\n");
  ASSERT_TRUE(instance.all_ready("app", 2));
  ::kill(instance.worker_pids(2, "app")[0], SIGKILL);
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(get(instance.web()).body.starts_with("program "));
    EXPECT_EQ(get(instance.web(), "/other").body, get(server.web(), "/other").body);
  }
  const auto requests = [&](const std::string& labels) {
    return instance.metric("roundhouse_upstream_requests_total{" + labels + "}");
  };
  EXPECT_EQ(requests("upstream=\"other\",endpoint=\"" + server.web().to_string() + "\""), 4);
  EXPECT_GE(requests(R"(upstream="site",endpoint="app/1")") +
                requests(R"(upstream="site",endpoint="app/2")"),
            4);
}

TEST(Port, WhatIsInFlightIsFinishedBeforeTheStopSignalIsSent) {
  TemporaryDirectory directory;
  Instance instance(pool_of("serve", "workers: 1"));
  ASSERT_TRUE(instance.all_ready("app", 1));
  Client client(instance.web());
  ASSERT_TRUE(client.send("GET /wait" + directory.path() + "/go HTTP/1.1\r\nHost: a\r\n\r\n"));
  ASSERT_TRUE(instance.metric_reaches(
      R"(roundhouse_upstream_requests_in_flight{upstream="app",endpoint="app/1"})", 1));
  instance.process().signal(SIGTERM);
  ASSERT_TRUE(instance.process().prints("stopping, everything that has begun may finish"));
  directory.write("go", "");
  EXPECT_EQ(client.receive().body, "program 1\n");
  EXPECT_EQ(instance.process().wait().code, 0);
}

// Reached both by a listener of its own and by the proxies, it serves on until these are done.
TEST(Port, OneThatIsReplacedWhileTheProxiesDrainGetsTheListenersSocket) {
  TemporaryDirectory directory;
  Instance instance(pool_of("serve", "type: listen_fds, workers: 2, ready: {settle: 10ms}"),
                    "upstreams: {site: {pool: app}}\n",
                    {.arguments = {},
                     .listener = "pool: app",
                     .more_listeners = ", proxied: {bind: '127.0.0.1:0', via: proxy, pool: app}"});
  ASSERT_TRUE(instance.all_ready("app", 2));
  Client client(instance.listening().at(1));
  ASSERT_TRUE(client.send("GET /wait" + directory.path() + "/go HTTP/1.1\r\nHost: a\r\n\r\n"));
  const auto works = [&](int worker) {
    return instance.metric(
               R"(roundhouse_upstream_requests_in_flight{upstream="site",endpoint="app/)" +
               std::to_string(worker) + "\"}") == 1;
  };
  ASSERT_TRUE(eventually([&] { return works(1) || works(2); }));
  const int idle = works(1) ? 2 : 1;
  const pid_t before = instance.worker_pids(2, "app").at(static_cast<std::size_t>(idle - 1));
  instance.process().signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return !Client(instance.listening().at(1)).connected(); }));
  ::kill(before, SIGKILL);
  const std::string its_answer = "program " + std::to_string(idle) + "\n";
  EXPECT_TRUE(eventually([&] {
    const Response response = get(instance.web());
    return response.body == its_answer && pid_of(response) != std::to_string(before);
  })) << instance.process().output();
  directory.write("go", "");
  EXPECT_NE(client.receive().body, "");
  EXPECT_EQ(instance.process().wait().code, 0);
  EXPECT_FALSE(Client(instance.web()).connected());
}

TEST(Port, AProgramThatIgnoresItsStopSignalIsKilledAtTheDeadline) {
  Instance instance(pool_of("deaf", "workers: 1"), "shutdown: {deadline: 1s}");
  ASSERT_TRUE(instance.all_ready("app", 1));
  EXPECT_EQ(instance.stop().code, 0);
  EXPECT_TRUE(instance.process().prints("stopped: killed by SIGKILL"))
      << instance.process().output();
}

TEST(Port, TheStopSignalIsTheOperatorsToChoose) {
  Instance instance(pool_of("deaf", "workers: 1, stop_signal: QUIT"));
  ASSERT_TRUE(instance.all_ready("app", 1));
  EXPECT_EQ(instance.stop().code, 0);
  EXPECT_TRUE(instance.process().prints("stopped: killed by SIGQUIT"))
      << instance.process().output();
}

// How often the edge has slept.
long waits_of(pid_t edge) {
  std::ifstream status("/proc/" + std::to_string(edge) + "/status");
  constexpr const char* kWaits = "voluntary_ctxt_switches:";
  for (std::string word; status >> word;) {
    long waits = 0;
    if (word == kWaits && status >> waits) return waits;
  }
  return -1;
}

TEST(ListenFds, TheEdgeDoesNotLookAtOneThatWillSayWhenItIsReady) {
  Instance instance(pool_of("serve",
                            "type: listen_fds, workers: 1, ready: {by: notify}, timeouts: {ready: "
                            "2s}, liveness: {kill: 10ms}"),
                    "", {.arguments = {}, .process = {}, .wait = false});
  ASSERT_TRUE(instance.process().prints("metrics on http://"));
  const long before = waits_of(instance.process().pid());
  ASSERT_TRUE(instance.process().prints("(it was not ready in time), never ready"));
  EXPECT_LT(waits_of(instance.process().pid()) - before, 60) << "some 20 ticks, and no more";
}

TEST(BadPrograms, OneThatNeverListensIsEndedWhenItsTimeIsOver) {
  Instance instance(
      pool_of("silent", "workers: 1, timeouts: {ready: 200ms}, liveness: {kill: 10ms}"), "",
      {.arguments = {}, .process = {}, .wait = false});
  EXPECT_TRUE(instance.process().prints("(it was not ready in time), never ready"));
  EXPECT_EQ(instance.process().wait().code, 1) << "all failed at their first start";
}

TEST(BadPrograms, OneThatListensElsewhereIsToldWhere) {
  Instance instance(pool_of("elsewhere", "workers: 1"), "",
                    {.arguments = {}, .process = {}, .wait = false});
  EXPECT_TRUE(instance.process().prints("worker app/1 listens on :"));
  EXPECT_TRUE(instance.process().prints(" itself, not on what it was given: $PORT, which is "));
}

TEST(BadPrograms, OneThatEndsAtOnceEndsTheProgram) {
  Instance instance(pool_of("exit 4", "workers: 2"), "",
                    {.arguments = {}, .process = {}, .wait = false});
  EXPECT_EQ(instance.process().wait().code, 1);
  EXPECT_TRUE(instance.process().prints("exit code 4, never ready"));
}

TEST(BadPrograms, OneThatClosesItsDescriptorsIsNeverReady) {
  Instance instance(pool_of("closes", "workers: 1, timeouts: {ready: 300ms}"), "",
                    {.arguments = {}, .process = {}, .wait = false});
  EXPECT_EQ(instance.process().wait().code, 1);
  EXPECT_TRUE(instance.process().prints("(it was not ready in time), never ready"))
      << instance.process().output();
}

TEST(BadPrograms, WhatOneHasForkedDiesWithIt) {
  Instance instance(pool_of("parent", "workers: 1"));
  ASSERT_TRUE(instance.all_ready("app", 1));
  const pid_t parent = std::stoi(pid_of(get(instance.web())));
  std::ifstream children("/proc/" + std::to_string(parent) + "/task/" + std::to_string(parent) +
                         "/children");
  pid_t child = 0;
  ASSERT_TRUE(children >> child);
  ::kill(parent, SIGKILL);
  EXPECT_TRUE(eventually([&] { return !is_alive(child); }));
  EXPECT_EQ(instance.stop().code, 0);  // a killed edge leaves children of children behind
}

TEST(CommandLinePrograms, AreAPoolOfTheirOwn) {
  TemporaryDirectory directory;
  const std::string program = scripted_program("serve");
  Process process({binary(), "run", "-p", "0", "-n", "2", "--type", "port", "--",
                   program.substr(0, program.find(' ')), "serve"},
                  {.environment = {"XDG_RUNTIME_DIR=" + directory.path(),
                                   "RUNTIME_DIRECTORY=" + directory.path()}});
  EXPECT_TRUE(process.prints("configuration: the command line (a program)")) << process.output();
  EXPECT_TRUE(process.prints("worker app/2 (pid ")) << process.output();
  process.signal(SIGTERM);
  EXPECT_EQ(process.wait().code, 0);
}

}  // namespace
}  // namespace roundhouse::test
