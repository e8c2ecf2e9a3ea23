// Everything has a limit: at it nothing crashes, nothing spins, nothing is lost, and it passes.
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "support/instance.h"
#include "support/proxied_tcp.h"

namespace roundhouse::test {
namespace {

using std::chrono::milliseconds;

std::size_t open_descriptors(pid_t pid) {
  std::size_t count = 0;
  std::error_code ignored;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd", ignored)) {
    ++count;
  }
  return count;
}

TEST(Limits, AWorkerAtItsConnectionsGetsNoMoreWhileAnotherIsFree) {
  Instance instance("hello: {workers: 2, worker_connections: 4}");
  ASSERT_TRUE(instance.all_ready("hello", 2));
  std::vector<std::unique_ptr<Client>> held;
  for (int i = 0; i < 8; ++i) {
    held.push_back(std::make_unique<Client>(instance.web()));
    EXPECT_EQ(held.back()->get("/").status, 200);
  }
  EXPECT_TRUE(instance.metric_reaches(
      R"(roundhouse_worker_connections_active{pool="hello",worker="1"})", 4));
  EXPECT_TRUE(instance.metric_reaches(
      R"(roundhouse_worker_connections_active{pool="hello",worker="2"})", 4));
  // All full: the ninth waits in the backlog until one leaves.
  Client ninth(instance.web());
  ASSERT_TRUE(ninth.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n"));
  held.erase(held.begin());
  EXPECT_EQ(ninth.receive().status, 200);
}

TEST(Limits, AListenerAtItsConnectionsPausesAndGoesOn) {
  TemporaryDirectory directory;
  const std::string file = directory.write(
      "c.yaml",
      "listeners: {web: {bind: '127.0.0.1:0', max_connections: 3}}\npools: {hello: {workers: 1}}\n"
      "monitor: {bind: off, socket: " +
          directory.path() + "/c.sock}\n");
  Process process({binary(), "run", "-c", file});
  ASSERT_TRUE(process.prints("is online"));
  const std::string output = process.output();
  const std::size_t at = output.find("127.0.0.1:");
  const Address web = *Address::parse(output.substr(at, output.find(' ', at) - at));
  std::vector<std::unique_ptr<Client>> held;
  for (int i = 0; i < 3; ++i) {
    held.push_back(std::make_unique<Client>(web));
    ASSERT_EQ(held.back()->get("/").status, 200);
  }
  Client fourth(web);
  ASSERT_TRUE(fourth.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n"));
  held.clear();
  EXPECT_EQ(fourth.receive().status, 200);
}

TEST(Limits, With64DescriptorsAnd200ClientsAllAreServedInTheEnd) {
  Instance instance("hello: {workers: 2}", "", {.process = {.descriptor_limit = 64}});
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(std::make_unique<Client>(instance.web()));
    ASSERT_TRUE(clients.back()->connected());
    ASSERT_TRUE(clients.back()->send("GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"));
  }
  for (auto& client : clients) EXPECT_EQ(client->receive().status, 200);
  EXPECT_TRUE(instance.process().running());
}

// One worker is stopped and the other full: what is on its way is received back all at once.
TEST(Limits, With64DescriptorsATakeBackLosesNothing) {
  Instance instance(
      "hello: {workers: 2, handoff: {depth: 200}, liveness: {suspect: 20s, replace: 25s}}", "",
      {.process = {.descriptor_limit = 64}});
  ASSERT_TRUE(instance.all_ready("hello", 2));
  const std::vector<pid_t> workers = instance.worker_pids(2);
  for (const pid_t pid : workers) ::kill(pid, SIGSTOP);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(std::make_unique<Client>(instance.web()));
    ASSERT_TRUE(clients.back()->send("GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"));
  }
  ::kill(workers[1], SIGCONT);
  for (auto& client : clients) EXPECT_EQ(client->receive().status, 200);
  ::kill(workers[0], SIGCONT);
}

TEST(Limits, With64DescriptorsHeldConnectionsBlockOthersOnlyUntilTheyLeave) {
  Instance instance("hello: {workers: 2}", "", {.process = {.descriptor_limit = 64}});
  std::vector<std::unique_ptr<Client>> held;
  for (int i = 0; i < 200; ++i) held.push_back(std::make_unique<Client>(instance.web()));
  Client late(instance.web());
  ASSERT_TRUE(late.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n"));
  held.clear();
  EXPECT_EQ(late.receive().status, 200);
  EXPECT_EQ(instance.process().output().find("connection_lost"), std::string::npos);
}

// Each connection may need another to its server, and those that move much want pipes.
TEST(Limits, WithFewDescriptorsProxiedConnectionsWaitAndNoneIsLost) {
  const TcpOrigin echo(TcpOrigin::echo);
  const Origin large(std::string(10'000'000, 'x'));
  Instance instance(kTwoProxies,
                    "upstreams: {db: ['" + echo.address().to_string() + "'], site: ['" +
                        large.address().to_string() + "']}\nroutes: [{upstream: site}]\n",
                    {.process = {.descriptor_limit = 200},
                     .more_listeners = ", db: {bind: '127.0.0.1:0', protocol: tcp, upstream: db}"});
  ASSERT_TRUE(instance.all_ready("gateway", 2));
  const Address db = instance.listening().at(1);
  // Who reads nothing keeps a pipe, as far as there are pipes.
  std::vector<std::unique_ptr<Client>> slow;
  for (int i = 0; i < 8; ++i) {
    slow.push_back(std::make_unique<Client>(instance.web()));
    ASSERT_TRUE(slow.back()->send("GET / HTTP/1.1\r\nHost: t\r\n\r\n"));
  }
  std::vector<Stream> streams;
  for (int i = 0; i < 190; ++i) {
    streams.push_back(Stream::connect(db));
    ASSERT_TRUE(streams.back().send("hello"));
  }
  // Those that wait get their turn as others leave.
  for (Stream& stream : streams) {
    EXPECT_EQ(stream.receive(5), "hello");
    stream.close();
  }
  for (auto& client : slow) EXPECT_EQ(client->receive().body.size(), 10'000'000U);
  EXPECT_EQ(get(instance.web()).status, 200);
  EXPECT_EQ(instance.process().output().find("connection_lost"), std::string::npos);
  for (const char* failure : {"connect_failed", "client_gone"})
    EXPECT_EQ(
        instance.metric("roundhouse_http_failures_total{failure=\"" + std::string(failure) + "\"}"),
        0)
        << failure;
}

TEST(Limits, AWorkerWhoseDescriptorLimitIsLoweredWhileItRunsServesOn) {
  // Only a process of our own user may be limited from outside.
  Instance instance("hello: {workers: 1}",
                    "user: " + std::string(::getpwuid(::geteuid())->pw_name));
  const pid_t worker = instance.worker_pids(1).front();
  const rlimit limit{.rlim_cur = 64, .rlim_max = 64};
  ASSERT_EQ(::prlimit(worker, RLIMIT_NOFILE, &limit, nullptr), 0);
  std::vector<std::unique_ptr<Client>> held;
  for (int i = 0; i < 200; ++i) held.push_back(std::make_unique<Client>(instance.web()));
  held.clear();
  EXPECT_EQ(get(instance.web()).status, 200);
  EXPECT_EQ(instance.worker_pids(1).front(), worker);
}

TEST(Limits, WhileEveryWorkerIsStoppedTheEdgeHoldsFewConnections) {
  Instance instance(
      "hello: {workers: 2, liveness: {suspect: 20s, replace: 25s}, handoff: {depth: 16}}");
  ASSERT_TRUE(instance.all_ready("hello", 2));
  const auto workers = instance.worker_pids(2);
  const std::size_t before = open_descriptors(instance.process().pid());
  for (const pid_t pid : workers) ::kill(pid, SIGSTOP);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 500; ++i) {
    clients.push_back(std::make_unique<Client>(instance.web()));
    ASSERT_TRUE(clients.back()->send("GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"));
  }
  ASSERT_TRUE(instance.metric_reaches(R"(roundhouse_listener_accepted_total{listener="web"})", 32));
  EXPECT_LE(open_descriptors(instance.process().pid()), before + 32);
  EXPECT_LE(instance.metric(R"(roundhouse_listener_accepted_total{listener="web"})"), 64);
  for (const pid_t pid : workers) ::kill(pid, SIGCONT);
  for (auto& client : clients) EXPECT_EQ(client->receive().status, 200);
}

TEST(Limits, SystemErrorsNameTheThingAndExitWith71) {
  Instance instance("hello: {workers: 1}");
  TemporaryDirectory directory;
  const auto ends_with_71 = [&](const std::string& yaml, const std::string& words) {
    const std::string file = directory.write(
        "bad.yaml", yaml + "\nmonitor: {bind: off, socket: " + directory.path() + "/c.sock}\n");
    const Finished finished = run({binary(), "run", "-c", file});
    EXPECT_EQ(finished.ended.code, 71) << finished.output;
    EXPECT_NE(finished.output.find(words), std::string::npos) << finished.output;
  };
  ends_with_71("listeners: {web: {bind: '" + instance.web().to_string() + "'}}",
               "bind " + instance.web().to_string() + ": Address already in use");
  ends_with_71("listeners: {web: {bind: '127.0.0.1:0'}}\npools: {app: {command: /no/such/program}}",
               "exec /no/such/program: No such file or directory");
  ends_with_71("listeners: {web: {bind: 'unix:/no/such/folder/a.sock'}}",
               "bind unix:/no/such/folder/a.sock: No such file or directory");
  const Finished unreadable = run({binary(), "run", "-c", "/no/such/file.yaml"});
  EXPECT_EQ(unreadable.ended.code, 71) << unreadable.output;
  EXPECT_EQ(run({binary(), "run", "--no-such-flag"}).ended.code, 64);
}

TEST(Limits, AUnixSocketServesLikeAnyOther) {
  TemporaryDirectory directory;
  const std::string file =
      directory.write("u.yaml", "listeners: {web: {bind: 'unix:" + directory.path() +
                                    "/app.sock'}}\npools: {hello: {workers: 2}}\n"
                                    "monitor: {bind: off, socket: " +
                                    directory.path() + "/c.sock}\n");
  Process process({binary(), "run", "-c", file});
  ASSERT_TRUE(process.prints("worker 1 (pid"));
  EXPECT_EQ(get(*Address::parse("unix:" + directory.path() + "/app.sock")).status, 200);
}

}  // namespace
}  // namespace roundhouse::test
