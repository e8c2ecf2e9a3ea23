// What workers of the library listen on, and who gets which connection.
#include <sys/stat.h>

#include <csignal>
#include <map>

#include "library/cluster_program.h"

namespace roundhouse::test {
namespace {

const char kFork[] = "fork DO=http+127.0.0.1:0";

std::map<std::string, int> answers(const Address& address, int requests) {
  std::map<std::string, int> by_worker;
  for (int i = 0; i < requests; ++i) ++by_worker[get(address).body];
  return by_worker;
}

std::string reply_of(const Address& address) {
  Client client(address);
  client.send("x");
  std::string text(256, '\0');
  const ssize_t size = ::recv(client.fd(), text.data(), text.size(), 0);
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  return text;
}

TEST(LibraryListening, AnyPortIsOneForAllWorkersAndInStrictTurn) {
  ClusterProgram program({kFork, kFork, kFork});
  const Address address = program.address(1);
  program.prints("listening 3");
  program.prints("listening 2");
  EXPECT_EQ(program.address(2), address);
  EXPECT_EQ(program.address(3), address);
  const std::map<std::string, int> even{{"worker 1", 4}, {"worker 2", 4}, {"worker 3", 4}};
  EXPECT_EQ(answers(address, 12), even);
  program.disconnects_and_ends();
}

TEST(LibraryListening, TheSecondListenOnAnyPortIsAnotherForAllWorkers) {
  ClusterProgram program({kFork, kFork});
  const Address first = program.address(1);
  program.address(2);
  for (const int id : {1, 2}) program.tell_worker(id, "http " + kAnyPort);
  ASSERT_TRUE(eventually([&] { return program.count("listening ") == 4; }));
  EXPECT_NE(program.address(1), first);
  EXPECT_EQ(program.address(1), program.address(2));
  program.disconnects_and_ends();
}

TEST(LibraryListening, OneThatIsOpenedAnewOnAnyPortSharesWithTheOthersAgain) {
  ClusterProgram program({kFork, kFork});
  const Address shared = program.address(2);
  program.address(1);
  program.tell_worker(1, "http 192.0.2.1:0");  // fails, and puts nothing out of step
  program.prints("w1 listen error EADDRNOTAVAIL");
  program.tell_worker(1, "close");
  program.tell_worker(1, "http " + kAnyPort);
  ASSERT_TRUE(eventually([&] { return program.count("listening 1 ") == 2; }));
  EXPECT_EQ(program.address(1), shared);
  program.disconnects_and_ends();
}

TEST(LibraryListening, AServerThatIsClosedAndListensAgainSharesWithTheOthers) {
  for (const char* policy : {"rr", "none"}) {
    ClusterProgram program({std::string("policy ") + policy, kFork, kFork});
    const Address address = program.address(1);
    program.prints("listening 2");
    program.tell_worker(1, "close");
    program.tell_worker(1, "reply closed");
    program.says("message 1 closed");
    EXPECT_EQ(answers(address, 4), (std::map<std::string, int>{{"worker 2", 4}})) << policy;
    program.tell_worker(1, "http " + address.to_string());
    ASSERT_TRUE(eventually([&] { return program.count("listening 1 ") == 2; }));
    EXPECT_TRUE(eventually([&] { return answers(address, 8).size() == 2; })) << policy;
    program.disconnects_and_ends();
  }
}

TEST(LibraryListening, APortThatAllHaveClosedIsFree) {
  ClusterProgram program({kFork, "fork"});
  const Address address = program.address(1);
  program.prints("listening 1");
  program.tell_worker(1, "close");
  program.tell_worker(1, "reply closed");
  program.says("message 1 closed");
  EXPECT_FALSE(Client(address).connected());
  program.tell_worker(2, "http " + address.to_string());
  program.prints("listening 2 " + address.to_string());
  EXPECT_EQ(get(address).body, "worker 2");
  program.tell_worker(1, "http " + address.to_string());
  ASSERT_TRUE(eventually([&] { return program.count("listening 1 ") == 2; }));
  EXPECT_EQ(answers(address, 4), (std::map<std::string, int>{{"worker 1", 2}, {"worker 2", 2}}));
  program.disconnects_and_ends();
}

TEST(LibraryListening, ATakenPortIsAnErrorInTheWorkerThatAsked) {
  ClusterProgram holder({kFork});
  const std::string taken = holder.address(1).to_string();
  for (const char* policy : {"rr", "none"}) {
    ClusterProgram program({std::string("policy ") + policy, "fork DO=http+" + taken, kFork});
    program.prints("w1 listen error EADDRINUSE: bind " + taken + ": Address already in use");
    const Address other = program.address(2);
    program.prints("listening 2");
    EXPECT_EQ(get(other).body, "worker 2");
    program.disconnects_and_ends();
  }
  holder.disconnects_and_ends();
}

TEST(LibraryListening, AnAddressThatIsNoneAndOneThatCannotBeAreErrors) {
  ClusterProgram program({"fork DO=http+nonsense,http+unix:/nowhere/at/all,http+192.0.2.1:80"});
  program.prints("w1 listen error EINVAL: listen on nonsense");
  program.prints("w1 listen error ENOENT");
  program.prints("w1 listen error EADDRNOTAVAIL");
  program.disconnects_and_ends();
}

TEST(LibraryListening, AUnixSocketHasItsModeAndGoesWithTheLastWorker) {
  const TemporaryDirectory folder;
  const std::string path = folder.path() + "/app.sock";
  ClusterProgram program({"fork DO=http+unix:" + path + "+private"});
  program.says("listening 1 unix:" + path + " port 0");
  EXPECT_EQ(get(Address::parse("unix:" + path).value_or(Address())).body, "worker 1");
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  program.disconnects_and_ends();
  EXPECT_NE(::stat(path.c_str(), &status), 0);
}

TEST(LibraryListening, ARelativePathIsInTheFolderOfTheWorkers) {
  const TemporaryDirectory folder;
  ClusterProgram program({"setup cwd=" + folder.path(), "fork DO=give+unix:app.sock"});
  program.prints("listening 1");
  const Address address = Address::parse("unix:" + folder.path() + "/app.sock").value_or(Address());
  EXPECT_EQ(reply_of(address), "given unix");
  program.disconnects_and_ends();
}

TEST(LibraryListening, OnlyIpv6LeavesThePortOfIpv4Free) {
  ClusterProgram program({"fork DO=give+[::]:0+only_v6"});
  const Address v6 = program.address(1);
  program.prints("listening 1");
  EXPECT_FALSE(Client(Address::loopback(v6.port())).connected());
  program.tell_worker(1, "give 127.0.0.1:" + std::to_string(v6.port()));
  program.prints("listening 1 127.0.0.1:");
  EXPECT_TRUE(reply_of(Address::loopback(v6.port())).starts_with("given 127.0.0.1:"));
  program.disconnects_and_ends();
}

TEST(LibraryListening, WithoutItIpv4ComesThroughIpv6) {
  ClusterProgram program({"fork DO=give+[::]:0"});
  const Address both = program.address(1);
  program.prints("listening 1");
  EXPECT_TRUE(reply_of(Address::loopback(both.port())).starts_with("given 127.0.0.1:"));
  program.disconnects_and_ends();
}

TEST(LibraryListening, AWorkerThatIsFullGetsNothingAndTheRestWaits) {
  ClusterProgram program(
      {"setup connections=1", "fork DO=tcp+127.0.0.1:0", "fork DO=tcp+127.0.0.1:0"});
  const Address address = program.address(1);
  program.prints("listening 2");
  program.prints("listening 1");
  const auto echoes = [](Client& client, int patience_ms) {
    client.send("x");
    timeval wait{.tv_sec = 0, .tv_usec = patience_ms * 1000};
    ::setsockopt(client.fd(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    char byte = 0;
    return ::recv(client.fd(), &byte, 1, 0) == 1;
  };
  Client first(address);
  Client second(address);
  EXPECT_TRUE(echoes(first, 900'000 / 1000));
  EXPECT_TRUE(echoes(second, 900'000 / 1000));
  Client third(address);
  ASSERT_TRUE(third.connected());
  EXPECT_FALSE(echoes(third, 100));
  first.reset();
  EXPECT_TRUE(eventually([&] { return echoes(third, 100); }));
  program.process().signal(SIGKILL);
}

TEST(LibraryListening, UnderPolicyNoneTheWorkersAcceptForThemselves) {
  ClusterProgram program({"policy none", kFork, kFork});
  const Address address = program.address(1);
  program.prints("listening 2");
  program.prints("listening 1");
  const auto by_worker = answers(address, 40);
  EXPECT_EQ(by_worker.count(""), 0U);
  program.tell("kill 1 9");
  program.prints("exit 1");
  EXPECT_EQ(answers(address, 4), (std::map<std::string, int>{{"worker 2", 4}}));
  program.disconnects_and_ends();
}

TEST(LibraryListening, StickyKeepsAClientWithItsWorker) {
  ClusterProgram program({"policy sticky", kFork, kFork, kFork});
  const Address address = program.address(1);
  ASSERT_TRUE(eventually([&] { return program.count("listening ") == 3; }));
  EXPECT_EQ(answers(address, 9).size(), 1U);
  program.disconnects_and_ends();
}

TEST(LibraryListening, TheEnvironmentSaysThePolicyWhereTheProgramDoesNot) {
  const auto stuck = [](const std::vector<std::string>& environment) {
    Process::Options options;
    options.environment = environment;
    ClusterProgram program({kFork, kFork}, options);
    const Address address = program.address(1);
    EXPECT_TRUE(eventually([&] { return program.count("listening ") == 2; }));
    const std::size_t workers = answers(address, 8).size();
    program.disconnects_and_ends();
    return workers == 1;
  };
  EXPECT_FALSE(stuck({"NODE_CLUSTER_SCHED_POLICY=rr"}));
  EXPECT_TRUE(stuck({"NODE_CLUSTER_SCHED_POLICY=rr", "ROUNDHOUSE_SCHED_POLICY=sticky"}));
}

TEST(LibraryListening, APolicyThatThereIsNotFailsTheFork) {
  Process::Options options;
  options.environment = {"NODE_CLUSTER_SCHED_POLICY=sticky"};
  ClusterProgram program({"fork"}, options);
  program.prints("fork error EINVAL: NODE_CLUSTER_SCHED_POLICY='sticky' is not one of rr, none");
  program.ends();
}

TEST(LibraryListening, APolicyAfterTheFirstForkIsAnErrorThatSaysWhy) {
  ClusterProgram program({"fork", "policy none"});
  program.prints("policy error EBUSY: the scheduling policy is frozen");
  program.disconnects_and_ends();
}

// What was given to a worker and not read by it goes to another.
TEST(LibraryListening, AStoppedWorkerKeepsNobodyWaiting) {
  ClusterProgram program({kFork, kFork});
  const Address address = program.address(1);
  program.prints("listening 2");
  program.prints("listening 1");
  program.tell("kill 1 19");
  for (int i = 0; i < 4; ++i) EXPECT_EQ(get(address).body, "worker 2");
  program.tell("kill 1 9");
  program.prints("exit 1 code 0 signal 9");
  EXPECT_EQ(get(address).body, "worker 2");
  program.disconnects_and_ends();
}

TEST(LibraryListening, KillsWhileRequestsComeLoseNoneThatWasNotTaken) {
  ClusterProgram program({kFork, kFork, kFork, "refork"});
  const Address address = program.address(1);
  ASSERT_TRUE(eventually([&] { return program.count("listening ") == 3; }));
  int answered = 0;
  for (int round = 0; round < 2; ++round) {
    program.tell("kill " + std::to_string(round + 1) + " 19");  // it takes nothing more
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 9; ++i) {
      clients.push_back(std::make_unique<Client>(address));
      clients.back()->send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    program.tell("kill " + std::to_string(round + 1) + " 9");
    for (auto& client : clients) answered += client->receive().status == 200 ? 1 : 0;
  }
  EXPECT_EQ(answered, 18);
  program.process().signal(SIGKILL);
}

}  // namespace
}  // namespace roundhouse::test
