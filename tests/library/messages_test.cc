// Words and descriptors between the primary and its workers; what belongs to whom; what is refused.
#include <csignal>

#include "library/cluster_program.h"

namespace roundhouse::test {
namespace {

TEST(LibraryMessages, GoBothWays) {
  ClusterProgram program({"fork DO=reply+early", "fork"});
  program.says("message 1 early");
  program.tell_worker(2, "reply hello from two");
  program.says("message 2 hello from two");
  program.disconnects_and_ends();
}

TEST(LibraryMessages, SentBeforeTheWorkerListensToThemAreNotLost) {
  ClusterProgram program({"fork", "tell 1 reply first", "tell 1 reply second"});
  program.says("message 1 first");
  program.says("message 1 second");
  program.disconnects_and_ends();
}

TEST(LibraryMessages, SaidWithItsLastBreathIsHeardBeforeTheExit) {
  ClusterProgram program({"fork DO=reply+last,exit+3"});
  program.says("exit 1 code 3 signal 0 left=0");
  program.ends();
  const std::string all = program.process().output();
  EXPECT_LT(all.find("message 1 last"), all.find("exit 1"));
}

TEST(LibraryMessages, ADescriptorGoesAlong) {
  const TemporaryDirectory folder;
  const std::string file = folder.write("lent", "what is in the file");
  ClusterProgram program({"fork"});
  program.tell("lend 1 " + file);
  program.says("w1 read what is in the file");
  program.tell("lend 1 /does/not/exist");  // -1: a message without one
  program.disconnects_and_ends();
}

TEST(LibraryMessages, ToADeadWorkerAreAnErrorValue) {
  ClusterProgram program({"fork", "fork"});
  program.says("online 1");
  program.tell("kill 1 9");
  program.prints("exit 1");
  for (const char* command : {"tell 1 look", "disconnect 1"}) program.tell(command);
  program.prints("tell error ENOTCONN: send to worker 1");
  program.prints("disconnect error ENOTCONN: disconnect: worker 1 is gone");
  program.tell("kill 1 9");
  program.prints("kill error ESRCH: kill worker 1: it is dead");
  program.tell("kill 2 -4");
  program.prints("kill error EINVAL: kill worker 2: no such signal");
  program.tell("tell 77 look");
  program.prints("tell error ENOTCONN: send: there is no such worker");
  program.disconnects_and_ends();
}

TEST(LibraryMessages, TooLongIsRefusedAndTooManyAsWell) {
  ClusterProgram program({"fork", "flood 1 1 65537"});
  program.prints("flood error EMSGSIZE");
  program.says("online 1");
  program.tell("kill 1 19");
  program.tell("flood 1 100000 65536");
  program.prints("flood error ENOBUFS");
  program.prints("flooded 10");
  program.tell("kill 1 9");
  program.ends();
}

TEST(LibraryMessages, AQueueThatTheWorkerHadNotReadArrivesWholeAndInOrder) {
  ClusterProgram program({"fork DO=block+300", "flood 1 900 1000", "tell 1 reply behind"});
  program.says("flooded 900");
  program.says("message 1 behind");
  program.disconnects_and_ends();
}

TEST(LibraryRoles, WhatBelongsToThePrimaryIsRefusedInAWorkerAndTheOtherWayRound) {
  ClusterProgram program({"fork DO=presume", "listen"});
  program.prints("w1 fork error EPERM: fork belongs to the primary");
  program.prints("w1 setup error EPERM");
  program.prints("w1 disconnect error EPERM");
  program.prints("listen error EPERM: listen belongs to workers");
  program.disconnects_and_ends();
}

TEST(LibrarySetup, EnvironmentArgumentsAndFolderReachTheWorker) {
  const TemporaryDirectory folder;
  ClusterProgram program({"setup cwd=" + folder.path(), "fork WORD=here"});
  program.says("setup cwd=" + folder.path());
  program.tell_worker(1, "env WORD");
  program.says("w1 env WORD=here");
  program.tell_worker(1, "env ROUNDHOUSE_CLUSTER_ID");  // read before main, and removed
  program.says("w1 env ROUNDHOUSE_CLUSTER_ID=");
  program.tell_worker(1, "cwd");
  program.says("w1 cwd " + folder.path());
  program.disconnects_and_ends();
}

TEST(LibrarySetup, EachCallIsToldAndHoldsForLaterForks) {
  const TemporaryDirectory first;
  const TemporaryDirectory second;
  ClusterProgram program(
      {"setup cwd=" + first.path(), "fork", "setup cwd=" + second.path(), "fork"});
  program.says("setup cwd=" + first.path());
  program.says("setup cwd=" + second.path());
  for (const char* id : {"1", "2"}) program.tell(std::string("tell ") + id + " cwd");
  program.says("w1 cwd " + first.path());
  program.says("w2 cwd " + second.path());
  program.disconnects_and_ends();
}

TEST(LibrarySetup, WhatIsFrozenIsRefusedAfterTheFirstFork) {
  ClusterProgram program({"setup drain=-1", "setup connections=0", "fork", "setup restart=on"});
  program.prints("setup error EINVAL");
  program.prints("setup error EBUSY");
  program.disconnects_and_ends();
}

TEST(LibrarySetup, AnExecutableThatThereIsNotIsAnExitAndArgumentsAreSet) {
  ClusterProgram program({"setup exec=/does/not/exist", "fork"});
  program.prints("exec /does/not/exist: No such file or directory");
  program.says("exit 1 code 127 signal 0 left=0");
  program.ends();
  ClusterProgram other({"setup exec=/bin/sh arg=-c arg=exit${IFS}$WORD", "fork WORD=7",
                        "setup exec=/bin/false", "fork"});
  other.says("exit 1 code 7 signal 0 left=0");
  other.says("exit 2 code 1 signal 0 left=0");
  other.ends();
}

TEST(LibrarySetup, AVariableWithoutANameIsRefused) {
  ClusterProgram program({"fork =value"});
  program.prints("fork error EINVAL");
  program.ends();
}

TEST(LibrarySetup, AMarkInTheEnvironmentWithoutAPrimaryIsSaidAndEndsTheProcess) {
  Process::Options options;
  options.environment = {"ROUNDHOUSE_CLUSTER_ID=1"};
  const Finished finished = run({CLUSTER_SUBJECT, "/dev/null"}, options);
  EXPECT_EQ(finished.ended.code, 71);
  EXPECT_NE(finished.output.find("ROUNDHOUSE_CLUSTER_ID is set, but"), std::string::npos)
      << finished.output;
}

TEST(LibrarySetup, ALimitOfDescriptorsLimitsTheWorkers) {
  Process::Options options;
  options.descriptor_limit = 160;
  ClusterProgram program(std::vector<std::string>(30, "fork"), options);
  program.prints("fork error EAGAIN: fork: ");
  program.disconnects_and_ends();
}

TEST(LibraryLoop, SignalsAndTimersCallBack) {
  ClusterProgram program({"signals", "fork"});
  program.prints("signal error EINVAL: on_signal: 9 cannot be caught");
  program.says("online 1");
  program.process().signal(SIGUSR1);
  program.says("signalled");
  program.tell("after");
  program.says("later");
  program.disconnects_and_ends();
}

TEST(LibraryLoop, StopEndsRunAndWorkersFinishBehindThePrimary) {
  ClusterProgram program({"fork DO=http+127.0.0.1:0"});
  const pid_t worker = program.pid_of(1);
  program.prints("listening 1");
  program.tell("stop");
  program.ends();
  EXPECT_TRUE(eventually([&] { return ::kill(worker, 0) != 0; }));
  program.says("w1 returns");
}

TEST(LibraryLoop, ALibeventBaseOfTheProgramWillDo) {
  ClusterProgram program({"base", "fork DO=http+127.0.0.1:0", "base"});
  program.prints("base error EALREADY");
  const Address address = program.address(1);
  program.prints("listening 1");
  for (int i = 0; i < 4; ++i) EXPECT_EQ(get(address).body, "worker 1");
  program.tell("kill 1 9");
  program.prints("exit 1 code 0 signal 9");
  program.ends();
}

}  // namespace
}  // namespace roundhouse::test
