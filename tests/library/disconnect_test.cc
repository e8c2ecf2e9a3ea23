// Workers of the library that are asked to finish.
#include <csignal>

#include "library/cluster_program.h"

namespace roundhouse::test {
namespace {

TEST(LibraryDisconnect, EightWorkersWithTwoListenersEachAndAllOfItAgain) {
  const std::string fork = "fork DO=http+127.0.0.1:0,tcp+127.0.0.1:0";
  ClusterProgram program({fork, fork, fork, fork, fork, fork, fork, fork});
  const auto all_listen = [&](std::size_t times) {
    return eventually([&] { return program.count("listening ") == times; });
  };
  ASSERT_TRUE(all_listen(16)) << program.process().output();
  program.tell("fork");  // holds the primary
  program.says("online 9");
  for (int id = 1; id <= 8; ++id) program.tell("disconnect " + std::to_string(id));
  for (int id = 1; id <= 8; ++id)
    program.says("exit " + std::to_string(id) + " code 0 signal 0 left=1");
  for (int i = 0; i < 8; ++i) program.tell(fork);
  ASSERT_TRUE(all_listen(32)) << program.process().output();
  EXPECT_EQ(get(Address::parse(program.after("listens on ")).value_or(Address())).status, 0);
  program.disconnects_and_ends();
}

TEST(LibraryDisconnect, BeforeItIsOnlineIsHeardAsWell) {
  ClusterProgram program({"fork", "disconnect 1", "fork", "policy none", "disconnect-all"});
  program.prints("exit 1 code 0 signal 0 left=1");
  program.prints("exit 2 code 0 signal 0 left=1");
  program.says("all gone, 0 left");
  program.ends();
}

TEST(LibraryDisconnect, WithNoWorkersTheCallbackIsCalledToo) {
  ClusterProgram program({"disconnect-all"});
  program.says("all gone, 0 left");
  program.ends();
}

TEST(LibraryDisconnect, TheCallbackWaitsForTheLast) {
  ClusterProgram program({"fork DO=http+127.0.0.1:0", "fork"});
  const Address address = program.address(1);
  program.prints("listening 1");
  program.says("online 2");
  Client client(address);
  client.send("GET /keep HTTP/1.1\r\nHost: a\r\n\r\n");
  program.says("w1 keeps a request");
  program.tell("disconnect-all");
  program.says("exit 2 code 0 signal 0 left=1");
  EXPECT_EQ(program.count("all gone"), 0U);
  program.tell_worker(1, "release");
  EXPECT_EQ(client.receive().body, "released");
  program.says("all gone, 0 left");
  program.ends();
}

TEST(LibraryDisconnect, AnOpenConnectionOfItsOwnKeepsAWorkerUntilItEnds) {
  ClusterProgram program({"fork DO=tcp+127.0.0.1:0"});
  const Address address = program.address(1);
  program.prints("listening 1");
  Client client(address);
  client.send("x");
  program.tell("disconnect 1");
  program.says("w1 draining");
  EXPECT_EQ(program.count("disconnect 1"), 0U);
  client.reset();
  program.says("w1 disconnect left=1");
  program.says("exit 1 code 0 signal 0 left=1");
  program.ends();
}

TEST(LibraryDisconnect, WhoIsNotDoneInTimeIsKilled) {
  ClusterProgram program({"setup drain=200", "fork DO=tcp+127.0.0.1:0", "fork DO=block+60000"});
  const Address address = program.address(1);
  program.says("w2 blocks");
  program.prints("listening 1");
  Client client(address);
  client.send("x");
  EXPECT_EQ(program.count("left="), 0U);
  program.tell("disconnect-all");
  program.says("exit 2 code 0 signal 9 left=1");
  program.prints("exit 1 code 0 signal ");
  program.ends();
}

TEST(LibraryDisconnect, ALeavingWorkerTakesNothingFromTheOthers) {
  ClusterProgram program({"fork DO=http+127.0.0.1:0", "fork DO=http+127.0.0.1:0"});
  const Address address = program.address(1);
  program.prints("listening 2");
  program.tell("disconnect 1");
  program.prints("exit 1");
  for (int i = 0; i < 4; ++i) EXPECT_EQ(get(address).body, "worker 2");
  program.tell("disconnect 2");
  program.ends();
  EXPECT_FALSE(Client(address).connected());
}

TEST(LibraryDisconnect, AfterAListenThatFailed) {
  ClusterProgram program({"fork DO=http+127.0.0.1:0", "fork"});
  const Address taken = program.address(1);
  program.tell_worker(1, "http " + taken.to_string());
  program.prints("w1 listen error EADDRINUSE");
  program.tell("disconnect 1");
  program.says("exit 1 code 0 signal 0 left=1");
  program.disconnects_and_ends();
}

TEST(LibraryDisconnect, ManyAtOnceWhileMessagesRace) {
  std::vector<std::string> commands(12, "fork DO=reply+early,http+127.0.0.1:0");
  for (int id = 1; id <= 12; ++id) {
    commands.push_back("tell " + std::to_string(id) + " reply late");
    if (id % 3 == 0) commands.push_back("disconnect " + std::to_string(id));
    if (id % 3 == 1) commands.push_back("kill " + std::to_string(id) + " 9");
    if (id % 3 == 2) commands.push_back("tell " + std::to_string(id) + " disconnect");
  }
  ClusterProgram program(commands);
  program.ends();
  EXPECT_EQ(program.count("exit "), 12U) << program.process().output();
  for (int id = 1; id <= 12; ++id)
    EXPECT_EQ(program.count("\ndisconnect " + std::to_string(id) + "\n"), 1U) << id;
}

TEST(LibraryDisconnect, UnderPolicyNoneAWorkerLeavesItsSocketToTheOthers) {
  ClusterProgram program({"policy none", "fork DO=http+127.0.0.1:0", "fork DO=http+127.0.0.1:0"});
  const Address address = program.address(1);
  program.prints("listening 2");
  program.tell("disconnect 1");
  program.prints("exit 1");
  for (int i = 0; i < 4; ++i) EXPECT_EQ(get(address).body, "worker 2");
  program.disconnects_and_ends();
}

TEST(LibraryDisconnect, KeptAliveConnectionsAreToldBeforeTheyAreClosed) {
  ClusterProgram program({"fork DO=http+127.0.0.1:0"});
  const Address address = program.address(1);
  program.prints("listening 1");
  Client client(address);
  EXPECT_EQ(client.get("/").body, "worker 1");
  program.tell("disconnect 1");
  program.says("w1 draining");
  const Response last = client.get("/");
  EXPECT_EQ(last.body, "worker 1");
  EXPECT_EQ(last.headers.contains("connection") ? last.headers.at("connection") : "", "close");
  program.ends();
}

}  // namespace
}  // namespace roundhouse::test
