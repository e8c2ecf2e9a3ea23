// What the program finds where it is started: limits, descriptors, signals, scores; and what of it
// its workers get to see.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "support/instance.h"

namespace roundhouse::test {
namespace {

using std::chrono::milliseconds;

int oom_score_of(pid_t pid) {
  int score = -1;
  std::ifstream("/proc/" + std::to_string(pid) + "/oom_score_adj") >> score;
  return score;
}

std::string small_configuration(const TemporaryDirectory& directory) {
  return directory.write("c.yaml",
                         "listeners: {web: {bind: '127.0.0.1:0'}}\npools: {hello: {workers: 2}}\n"
                         "monitor: {bind: off, socket: " +
                             directory.path() + "/c.sock}\n");
}

TEST(Surroundings, HoweverFewDescriptorsThereAreItServesOrEnds) {
  TemporaryDirectory directory;
  const std::string file = small_configuration(directory);
  for (unsigned limit = 8; limit < 24; ++limit) {
    Process process({binary(), "run", "-c", file}, {.descriptor_limit = limit});
    EXPECT_TRUE(eventually([&] {
      return !process.running() || process.output().find("is online") != std::string::npos;
    })) << limit
        << ": " << process.output();
  }
}

TEST(Surroundings, SignalsThatItsStarterHadBlockedReachIt) {
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  for (const int number : {SIGTERM, SIGCHLD}) sigaddset(&blocked, number);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  Instance instance("hello: {workers: 1}");
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  instance.process().signal(SIGTERM);
  EXPECT_EQ(instance.process().wait().code, 0);
}

TEST(Surroundings, ADescriptorThatWasLeftOpenToTheEdgeReachesNoWorker) {
  TemporaryDirectory directory;
  const std::string secret = directory.write("secret", "");
  const int open = ::open(secret.c_str(), O_RDONLY);  // NOLINT: not CLOEXEC, on purpose
  Instance instance("hello: {workers: 1}");
  ::close(open);
  for (const auto& entry : std::filesystem::directory_iterator(
           "/proc/" + std::to_string(instance.worker_pids(1)[0]) + "/fd")) {
    std::error_code gone;
    EXPECT_NE(std::filesystem::read_symlink(entry.path(), gone).string(), secret);
  }
}

TEST(Surroundings, AWorkerIsEndedBeforeTheEdgeWhenMemoryIsOutWhateverTheEdgesScore) {
  TemporaryDirectory directory;
  Process process({"/bin/sh", "-c",
                   "echo 500 > /proc/self/oom_score_adj; exec " + binary() + " run -c " +
                       small_configuration(directory)});
  ASSERT_TRUE(process.prints("worker 1 (pid "));
  const std::string output = process.output();
  const pid_t worker =
      std::stoi(output.substr(output.find("worker 1 (pid ") + sizeof "worker 1 (pid " - 1));
  EXPECT_EQ(oom_score_of(process.pid()), 500);
  EXPECT_EQ(oom_score_of(worker), 700);
}

TEST(Surroundings, ARelativeCommandIsRelativeToItsWorkingDirectory) {
  TemporaryDirectory directory;
  const std::string program =
      directory.write("app/go", "#!/bin/sh\nexec " + scripted_worker("serve") + "\n");
  ::chmod(program.c_str(), 0755);
  Instance instance("app: {type: native, command: ./go, cwd: " + directory.path() +
                    "/app, workers: 1}");
  EXPECT_EQ(get(instance.web()).body, "scripted worker 1\n");
}

TEST(Surroundings, AProgramThatCannotBeStartedIsNamedWithTheUserItWasToRunAs) {
  TemporaryDirectory directory;
  const std::string program = directory.write("go", "#!/no/such/interpreter\n");
  ::chmod(program.c_str(), 0755);
  Instance instance("app: {type: native, command: " + program + ", user: nobody, workers: 1}", "",
                    {.wait = false});
  const std::string user = ::geteuid() == 0 ? " (as user nobody)" : "";
  EXPECT_EQ(instance.process().wait().code, 1);
  EXPECT_TRUE(
      instance.process().prints("exec " + program + ": No such file or directory" + user + "\n"))
      << instance.process().output();
}

TEST(Surroundings, AFullWorkerToldNothingNoticesThatTheEdgeIsDead) {
  for (const std::string policy : {"rr", "none"}) {
    Instance instance("hello: {workers: 1, worker_connections: 1, policy: " + policy + "}");
    const pid_t worker = instance.worker_pids(1)[0];
    Client busy(instance.web());
    ASSERT_EQ(busy.get("/").status, 200);
    instance.process().signal(SIGKILL);
    instance.process().wait();
    EXPECT_TRUE(eventually(
        [&] {
          std::ifstream stat("/proc/" + std::to_string(worker) + "/stat");
          std::string line;
          return !std::getline(stat, line) || line.find(") Z") != std::string::npos;
        },
        milliseconds(10'000)))
        << policy;
    ::kill(worker, SIGKILL);
  }
}

}  // namespace
}  // namespace roundhouse::test
