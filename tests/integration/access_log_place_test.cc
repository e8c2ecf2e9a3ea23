// Where the access log goes, and what becomes of that place: renamed, blocked, full, shared.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "access_log.h"

namespace roundhouse::test {
namespace {

class AccessLogPlace : public WithAccessLog {};

TEST_F(AccessLogPlace, ARenamedFileLosesNoLine) {
  Instance instance("app: {type: hello, workers: 2}", "", options());
  std::atomic<bool> done = false;
  std::atomic<std::size_t> answered = 0;
  std::thread load([&] {
    for (Client client(instance.web()); !done;) {
      if (client.get("/").status == 200)
        ++answered;
      else
        client = Client(instance.web());
    }
  });
  for (int i = 1; i <= 5; ++i) {
    const std::size_t before = answered;
    EXPECT_TRUE(eventually([&] { return answered > before + 50; }));
    std::filesystem::rename(log_path(), log_path() + "." + std::to_string(i));
    instance.process().signal(SIGUSR1);
    // The new one is there before any of it is written, and then it is written to.
    EXPECT_TRUE(eventually([&] { return !content(log_path()).empty(); }));
  }
  done = true;
  load.join();
  EXPECT_EQ(instance.stop().code, 0);
  std::size_t lines = 0;
  for (const auto& file : std::filesystem::directory_iterator(directory.path())) {
    for (const std::string& line : lines_of(content(file.path().string()))) {
      EXPECT_TRUE(parse_json(line)) << line;
      ++lines;
    }
  }
  EXPECT_EQ(lines, answered);
}

TEST_F(AccessLogPlace, AFileThatCannotBeOpenedAgainIsSaidAndTheOldOneGoesOn) {
  const std::string folder = directory.path() + "/logs";
  std::filesystem::create_directory(folder);
  Instance instance("app: {type: hello, workers: 1}", "",
                    {.log = "access: {format: json, to: '" + folder + "/a'}"});
  std::filesystem::rename(folder, folder + ".old");
  instance.process().signal(SIGUSR1);
  EXPECT_TRUE(instance.process().prints("SIGUSR1: access log " + folder +
                                        "/a: No such file or directory; the access log goes on"));
  EXPECT_EQ(get(instance.web()).status, 200);
  wait_for(folder + ".old/a", 1);
}

TEST_F(AccessLogPlace, AWorkerThatIsStartedLaterWritesToTheFileOfNow) {
  Instance instance("app: {type: hello, workers: 1}", "", options());
  EXPECT_EQ(get(instance.web()).status, 200);
  wait_for(log_path(), 1);
  std::filesystem::rename(log_path(), log_path() + ".1");
  instance.process().signal(SIGUSR1);
  EXPECT_TRUE(instance.process().prints("the access log goes on in " + log_path()));
  const pid_t first = instance.worker_pids(1).at(0);
  ::kill(first, SIGKILL);
  EXPECT_TRUE(eventually([&] {
    const pid_t now = instance.worker_pids(1).at(0);
    return now != 0 && now != first;
  }));
  EXPECT_EQ(get(instance.web()).status, 200);
  wait_for(log_path(), 1);
  EXPECT_EQ(lines_of(content(log_path() + ".1")).size(), 1U);
}

// The message lies unread in its channel while connections are taken back from behind it.
TEST_F(AccessLogPlace, AWorkerThatStallsGetsTheNewFileWhenItGoesOn) {
  Instance instance(
      "app: {type: hello, workers: 2, liveness: {suspect: 60s, replace: 60s}, timeouts: {drain: "
      "1s}}",
      "", options());
  EXPECT_TRUE(instance.all_ready("app", 2));
  const std::vector<pid_t> pids = instance.worker_pids(2);
  ::kill(pids.at(0), SIGSTOP);
  std::filesystem::rename(log_path(), log_path() + ".1");
  instance.process().signal(SIGUSR1);
  EXPECT_TRUE(instance.process().prints("the access log goes on in " + log_path()));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(get(instance.web()).status, 200);
  EXPECT_TRUE(instance.metric_reaches(
      R"(roundhouse_handoffs_total{pool="app",worker="1",result="taken_back"})", 1));
  ::kill(pids.at(0), SIGCONT);
  EXPECT_TRUE(eventually([&] {
    EXPECT_EQ(get(instance.web()).status, 200);
    return content(log_path()).find("\"worker\":1,") != std::string::npos;
  }));
  EXPECT_EQ(instance.worker_pids(2), pids);
  EXPECT_EQ(content(log_path() + ".1"), "");
}

TEST_F(AccessLogPlace, ABlockedPipeIsNoMatterForRequests) {
  ASSERT_EQ(::mkfifo(log_path().c_str(), 0600), 0);
  const UniqueFd reader(::open(log_path().c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  Instance instance("app: {type: hello, workers: 2}", "", options());
  double answered = 0;
  Client client(instance.web());
  EXPECT_TRUE(eventually([&] {
    for (int i = 0; i < 200; ++i, ++answered) {
      if (client.get("/").status != 200) client = Client(instance.web());
    }
    return counted(instance, 2, "dropped") > 0;
  }));
  EXPECT_TRUE(instance.process().prints("the access log has lost "));
  std::string text;
  const auto read_some = [&] {
    char bytes[65536];
    for (ssize_t n = 0; (n = ::read(reader.get(), bytes, sizeof bytes)) > 0;)
      text.append(bytes, static_cast<std::size_t>(n));
  };
  EXPECT_TRUE(eventually([&] {
    read_some();
    return counted(instance, 2, "lines") + counted(instance, 2, "dropped") >= answered;
  }));
  EXPECT_EQ(get(instance.web(), "/again").status, 200);
  EXPECT_TRUE(eventually([&] {
    read_some();
    return text.find("\"/again\"") != text.npos;
  }));
  for (const std::string& line : lines_of(text)) EXPECT_TRUE(parse_json(line)) << line;
}

TEST_F(AccessLogPlace, AFullDiskIsNoMatterForRequests) {
  Instance instance("app: {type: hello, workers: 1}", "",
                    {.log = "access: {format: json, to: /dev/full}"});
  const std::string dropped = R"(roundhouse_access_log_dropped_total{pool="app",worker="1"})";
  Client client(instance.web());
  EXPECT_TRUE(eventually([&] {
    if (const Response response = client.get("/"); response.status != 200)
      client = Client(instance.web());
    return instance.metric(dropped) > 0;
  }));
  EXPECT_TRUE(instance.process().prints("No space left on device"));
  EXPECT_EQ(instance.metric(R"(roundhouse_access_log_lines_total{pool="app",worker="1"})"), 0);
}

void ask_often(const Address& web, int requests) {
  Client client(web);
  for (int i = 0; i < requests; ++i) {
    if (client.request("GET", "/" + std::string(500, 'a')).status != 200) client = Client(web);
  }
}

TEST_F(AccessLogPlace, WorkersDoNotMixTheirLines) {
  ASSERT_EQ(::mkfifo((directory.path() + "/pipe").c_str(), 0600), 0);
  for (const std::string name : {"pipe", "file"}) {
    const std::string path = directory.path() + "/" + name;
    UniqueFd reader;
    if (name == "pipe") reader.reset(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    Instance instance("app: {type: hello, workers: 4}", "",
                      {.log = "access: {format: json, to: '" + path + "'}"});
    std::vector<std::thread> clients;
    for (int i = 0; i < 8; ++i) clients.emplace_back([&] { ask_often(instance.web(), 200); });
    std::string text;
    const auto read_some = [&] {
      char bytes[65536];
      for (ssize_t n = 0; reader && (n = ::read(reader.get(), bytes, sizeof bytes)) > 0;)
        text.append(bytes, static_cast<std::size_t>(n));
    };
    EXPECT_TRUE(eventually([&] {
      read_some();
      return counted(instance, 4, "lines") + counted(instance, 4, "dropped") >= 1600 &&
             (!reader || text.ends_with("\n"));
    }));
    for (std::thread& client : clients) client.join();
    EXPECT_TRUE(eventually([&] {  // what was written after the last look is still to be read
      if (reader)
        read_some();
      else
        text = content(path);
      return static_cast<double>(lines_of(text).size()) == counted(instance, 4, "lines");
    })) << name;
    for (const std::string& line : lines_of(text)) ASSERT_TRUE(parse_json(line)) << line;
  }
}

TEST_F(AccessLogPlace, APathThatCannotBeOpenedIsSaidBeforeAnythingIsServed) {
  Instance instance(
      "app: {type: hello, workers: 1}", "",
      {.log = "access: {format: json, to: '" + directory.path() + "/none/a'}", .wait = false});
  EXPECT_EQ(instance.process().wait().code, 71);
  EXPECT_EQ(instance.process().output(),
            "access log " + directory.path() + "/none/a: No such file or directory\n");
}

TEST_F(AccessLogPlace, CheckTouchesNoFileAndItIsMadeForItsOwnerAndGroupAlone) {
  const std::string file = directory.write(
      "c.yaml", "listeners: {web: {bind: '127.0.0.1:0'}}\nlog: {access: {format: json, to: a}}\n");
  EXPECT_EQ(run({binary(), "check", "-c", file}).ended.code, 0);
  EXPECT_FALSE(std::filesystem::exists(directory.path() + "/a"));
  const Instance instance("app: {type: hello, workers: 1}", "", options());
  struct stat status{};
  ASSERT_EQ(::stat(log_path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777 & ~0640U, 0U);
}

}  // namespace
}  // namespace roundhouse::test
