// How workers of the library begin and end, and what the primary hears of it.
#include <csignal>

#include "library/cluster_program.h"

namespace roundhouse::test {
namespace {

bool in_order(const std::string& text, const std::vector<std::string>& parts) {
  std::size_t at = 0;
  for (const std::string& part : parts) {
    at = text.find(part, at);
    if (at == std::string::npos) return false;
  }
  return true;
}

bool is_gone(pid_t pid) { return ::kill(pid, 0) != 0; }

TEST(LibraryLife, EventsComeInTheirOrderOnceEach) {
  ClusterProgram program({"fork DO=http+127.0.0.1:0"});
  program.prints("listening 1 127.0.0.1:");
  const Address address = program.address(1);
  EXPECT_EQ(program.after("listening 1 127.0.0.1:"),
            std::to_string(address.port()) + " port " + std::to_string(address.port()));
  EXPECT_EQ(get(address).body, "worker 1");
  program.disconnects_and_ends();
  const std::string all = program.process().output();
  EXPECT_TRUE(in_order(all, {"fork 1", "online 1", "listening 1", "disconnect 1\n",
                             "exit 1 code 0 signal 0 left=1", "all gone, 0 left", "over"}))
      << all;
  for (const char* once : {"\nfork 1", "\nonline 1", "\nlistening 1", "\ndisconnect 1", "\nexit 1"})
    EXPECT_EQ(program.count(once) + (all.starts_with(once + 1) ? 1 : 0), 1U) << once;
}

TEST(LibraryLife, AnExitCodeIsTold) {
  ClusterProgram program({"fork DO=exit+42"});
  program.says("exit 1 code 42 signal 0 left=0");
  program.ends();
}

TEST(LibraryLife, WhatMainReturnsAfterADisconnectIsTheExitCode) {
  ClusterProgram program({"fork DO=main+42"});
  program.says("online 1");
  program.tell("disconnect 1");
  program.says("exit 1 code 42 signal 0 left=1");
  program.ends();
}

TEST(LibraryLife, AWorkerThatExitsWhileListeningDisconnectsOnceAndHasNotLeft) {
  ClusterProgram program({"fork DO=http+127.0.0.1:0,exit+0"});
  program.says("exit 1 code 0 signal 0 left=0");
  program.ends();
  EXPECT_EQ(program.count("\ndisconnect 1\n"), 1U);
}

TEST(LibraryLife, ASignalIsToldAndTheOthersGoOn) {
  ClusterProgram program({"fork DO=http+127.0.0.1:0", "fork DO=http+127.0.0.1:0"});
  const Address address = program.address(1);
  program.prints("listening 2");
  program.tell("kill 1 9");
  program.says("exit 1 code 0 signal 9 left=0");
  program.tell("workers");
  program.says("workers 2");
  for (int i = 0; i < 4; ++i) EXPECT_EQ(get(address).body, "worker 2");
  program.tell("look 1");
  program.says("look 1 place=1 connected=0 dead=1 left=0");
  program.disconnects_and_ends();
}

TEST(LibraryLife, TermKillsAWorkerThatSpins) {
  ClusterProgram program({"fork DO=block+60000"});
  program.says("w1 blocks");
  program.tell("kill 1 15");
  program.says("exit 1 code 0 signal 15 left=0");
  program.ends();
}

TEST(LibraryLife, AWorkerMayLeaveByItselfOrKillItself) {
  ClusterProgram program({"fork", "fork"});
  program.tell_worker(1, "disconnect");
  program.tell_worker(2, "kill");
  program.says("exit 1 code 0 signal 0 left=1");
  program.says("exit 2 code 0 signal 0 left=1");
  program.says("w1 disconnect left=1");
  program.ends();
}

TEST(LibraryLife, BothSidesKnowWhoIsConnectedAndWhoIsDead) {
  ClusterProgram program({"fork"});
  program.says("online 1");
  program.tell("look 1");
  program.says("look 1 place=1 connected=1 dead=0 left=0");
  program.tell_worker(1, "look");
  program.says("w1 look worker=1 place=1 connected=1 dead=0 mine=1");
  program.tell("disconnect 1");
  program.prints("exit 1");
  program.ends();
}

TEST(LibraryLife, IdsGrowAndPlacesAreGivenAgain) {
  ClusterProgram program({"fork", "fork", "refork"});
  program.says("online 2");
  program.tell("kill 1 9");
  program.says("online 3");
  program.tell("look 3");
  program.says("look 3 place=1 connected=1 dead=0 left=0");
  program.process().signal(SIGKILL);
}

TEST(LibraryLife, AWorkerForkedInTheExitHandlerServesWhatWaited) {
  ClusterProgram program({"refork", "fork DO=http+127.0.0.1:0"});
  const Address address = program.address(1);
  program.prints("listening 1");
  program.tell("kill 1 9");
  program.says("online 2");
  Client waiting(address);  // the socket outlives the crash
  ASSERT_TRUE(waiting.connected());
  program.tell_worker(2, "http " + address.to_string());
  EXPECT_EQ(waiting.get("/").body, "worker 2");
  program.process().signal(SIGKILL);
}

TEST(LibraryLife, TheRestartPolicyReplacesWhoCrashesAtItsPlaceWithItsEnvironment) {
  ClusterProgram program({"setup restart=on", "fork DO=http+127.0.0.1:0 WORD=kept"});
  program.prints("listening 1");
  program.tell("kill 1 9");
  program.prints("listening 2");
  program.tell("look 2");
  program.says("look 2 place=1 connected=1 dead=0 left=0");
  program.tell_worker(2, "env WORD");
  program.says("w2 env WORD=kept");
  program.tell("disconnect 2");
  program.says("exit 2 code 0 signal 0 left=1");  // asked to: not replaced
  program.ends();
}

TEST(LibraryLife, AWorkerThatHangsIsAbortedWhereThatIsAskedFor) {
  ClusterProgram program({"setup hang=300", "fork DO=block+60000"});
  program.says("w1 blocks");
  program.says("exit 1 code 0 signal 6 left=0");
  program.ends();
}

TEST(LibraryLife, WorkersEndWhenThePrimaryIsKilled) {
  ClusterProgram program({"fork DO=http+127.0.0.1:0", "fork"});
  program.prints("listening 1");
  program.says("online 2");
  const std::vector<pid_t> pids{program.pid_of(1), program.pid_of(2)};
  program.process().signal(SIGKILL);
  EXPECT_TRUE(eventually([&] { return is_gone(pids[0]) && is_gone(pids[1]); }));
  program.prints("w1 returns");
  program.prints("w2 returns");
}

TEST(LibraryLife, WhatACallbackThrowsEndsItsProcessAndTheOthersGoOn) {
  ClusterProgram program({"fork DO=http+127.0.0.1:0", "fork DO=http+127.0.0.1:0", "fork"});
  const Address address = program.address(1);
  program.prints("listening 2");
  program.tell_worker(3, "throw");
  program.says("exit 3 code 0 signal 6 left=0");
  EXPECT_EQ(get(address, "/throw").status, 0);
  EXPECT_TRUE(eventually([&] { return program.count("signal 6 left=0") == 2; }));
  EXPECT_EQ(get(address).status, 200);
  program.process().signal(SIGKILL);
}

}  // namespace
}  // namespace roundhouse::test
