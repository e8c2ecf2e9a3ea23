#include "cli/control_client.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <thread>

#include "base/address.h"
#include "base/unique_fd.h"
#include "cli/commands.h"
#include "cli/operate.h"

namespace roundhouse::cli {
namespace {

// Instances in a folder of their own, each of which answers one kind of request with what it was
// told.
class ControlClient : public testing::Test {
 protected:
  ControlClient() {
    std::string pattern = testing::TempDir() + "rh-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~ControlClient() override {
    for (const UniqueFd& fd : listening_) ::shutdown(fd.get(), SHUT_RDWR);
    threads_.clear();
    std::filesystem::remove_all(folder_);
  }

  // Answers every connection that sends something with `reply`; what was sent last is in sent_.
  void serve(const std::string& name, const std::string& reply) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const Address address = Address::parse("unix:" + folder_ + "/" + name).value();
    ASSERT_EQ(::bind(fd.get(), address.data(), address.size()), 0);
    ASSERT_EQ(::listen(fd.get(), 8), 0);
    listening_.push_back(std::move(fd));
    threads_.emplace_back([this, reply, listener = listening_.back().get()] {
      while (true) {
        const UniqueFd connection(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
        if (!connection) return;
        char buffer[1024];
        const ssize_t count = ::recv(connection.get(), buffer, sizeof buffer, 0);
        if (count <= 0) continue;
        sent_.assign(buffer, static_cast<std::size_t>(count));
        ::send(connection.get(), reply.data(), reply.size(), MSG_NOSIGNAL);
      }
    });
  }
  static std::string reply(const std::string& status, const std::string& body) {
    return "HTTP/1.0 " + status +
           "\r\nContent-Type: text/plain\r\ncontent-LENGTH: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
  }
  Outcome run(Outcome (*command)(const CommandLine&, const std::vector<std::string>&),
              const CommandLine& line = {}) {
    return command(line, {folder_, folder_ + "/none"});
  }

  std::string folder_;
  std::vector<UniqueFd> listening_;
  std::string sent_;
  std::vector<std::jthread> threads_;
};

TEST_F(ControlClient, WithoutAnInstanceEachCommandSaysSo) {
  for (const auto& command : {&status, &health, &stop}) {
    const Outcome outcome = run(command);
    EXPECT_EQ(outcome.code, ExitCode::kFailure);
    EXPECT_EQ(outcome.err, "no roundhouse is running: nobody answers in " + folder_ + " or " +
                               folder_ + "/none (for one elsewhere: --socket PATH)\n");
  }
  CommandLine line;
  line.socket = folder_ + "/x.sock";
  EXPECT_EQ(run(&status, line).err,
            "no roundhouse answers on " + line.socket + ": No such file or directory\n");
}

TEST_F(ControlClient, OfSeveralInstancesOneHasToBeNamed) {
  serve("control.sock", reply("200 OK", "ok\n"));
  serve("control-7.sock", reply("503 Service Unavailable", "pool a has no ready worker\n"));
  const Outcome outcome = run(&health);
  EXPECT_EQ(outcome.code, ExitCode::kFailure);
  const std::string edge = ".sock  (edge " + std::to_string(::getpid()) + ")\n";
  EXPECT_EQ(outcome.err, "several instances are running; say which with --socket PATH:\n  " +
                             folder_ + "/control-7" + edge + "  " + folder_ + "/control" + edge);
  CommandLine line;
  line.socket = folder_ + "/control.sock";
  EXPECT_EQ(run(&health, line).code, ExitCode::kOk);
}

TEST_F(ControlClient, HealthIsThatOfEveryPool) {
  serve("control.sock", reply("503 Service Unavailable", "pool a has no ready worker\n"));
  const Outcome outcome = run(&health);
  EXPECT_EQ(outcome.code, ExitCode::kFailure);
  EXPECT_EQ(outcome.err, "pool a has no ready worker\n");
  EXPECT_TRUE(sent_.starts_with("GET /readyz HTTP/1.0\r\n")) << sent_;
}

TEST_F(ControlClient, StatusIsATableOrTheJsonAsItIs) {
  const std::string json = "{\"version\": \"9\",  \"edge\": {\"pid\": 5}}\n";
  serve("control.sock", reply("200 OK", json));
  EXPECT_TRUE(run(&status).out.starts_with("roundhouse 9, edge 5, ")) << run(&status).out;
  EXPECT_TRUE(sent_.starts_with("GET /api/v1/status HTTP/1.0\r\n")) << sent_;
  CommandLine line;
  line.json = true;
  EXPECT_EQ(run(&status, line).out, json);
  line.subject = "web";
  EXPECT_EQ(run(&status, line).code, ExitCode::kFailure);
}

TEST_F(ControlClient, ARefusedStopSaysWhy) {
  serve("control.sock",
        reply("503 Service Unavailable", "{\"error\": \"the edge does not take commands\"}\n"));
  const Outcome outcome = run(&stop);
  EXPECT_EQ(outcome.code, ExitCode::kFailure);
  EXPECT_EQ(outcome.err, folder_ + "/control.sock: 503: \"the edge does not take commands\"\n");
  EXPECT_TRUE(sent_.starts_with("POST /api/v1/stop HTTP/1.0\r\n")) << sent_;
}

TEST_F(ControlClient, WhatCannotBeAPoolOrAWorkerIsNotAskedFor) {
  serve("control.sock", reply("202 Accepted", "{}"));
  for (const char* subject :
       {"a b", "a\r\nX: y", "app/1/2", "app/", "app/x", "/1", "../stop", "A"}) {
    for (const Command command : {Command::kRestart, Command::kScale, Command::kLogs}) {
      CommandLine line;
      line.command = command;
      line.subject = subject;
      line.count = "2";
      const std::vector<std::string> folders = {folder_};
      const Outcome outcome =
          command == Command::kLogs ? logs(line, folders, [](auto) {}) : operate(line, folders, {});
      EXPECT_EQ(outcome.code, ExitCode::kUsage) << subject << ": " << outcome.err;
      EXPECT_NE(outcome.err.find("'"), std::string::npos);
    }
  }
  EXPECT_EQ(sent_, "");
}

TEST_F(ControlClient, AnOperationThatTheApiRefusesIsAConfigurationOfNoUse) {
  CommandLine line;
  line.command = Command::kScale;
  line.subject = "app";
  line.count = "0";
  serve("control.sock", reply("422 Unprocessable", R"({"error": "workers: 0 is out of range"})"));
  const Outcome outcome = operate(line, {folder_}, {});
  EXPECT_EQ(outcome.code, ExitCode::kConfiguration);
  EXPECT_EQ(outcome.err, "workers: 0 is out of range\n");
  EXPECT_TRUE(sent_.starts_with("POST /api/v1/pools/app/scale HTTP/1.0\r\n")) << sent_;
}

TEST_F(ControlClient, AnOperationThatTheEdgeDoesNotTakeIsAFailure) {
  CommandLine line;
  line.command = Command::kReload;
  serve("control.sock",
        reply("503 Unavailable", R"({"error": "the edge does not take commands"})"));
  EXPECT_EQ(operate(line, {folder_}, {}).code, ExitCode::kFailure);
}

TEST_F(ControlClient, WhatIsNoReplyOrCutOffIsAnError) {
  const std::string cut = reply("200 OK", "0123456789").substr(0, 70);
  int number = 0;
  for (const std::string& answer :
       {std::string("nonsense"), std::string("HTTP/1.0 abc\r\n\r\n"), cut, std::string()}) {
    const std::string name = "s" + std::to_string(number++);
    serve(name, answer);
    EXPECT_FALSE(request(folder_ + "/" + name, "GET", "/")) << answer;
  }
}

TEST_F(ControlClient, AReplyThatNeverComesIsNotWaitedForForLong) {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const Address address = Address::parse("unix:" + folder_ + "/silent").value();
  ASSERT_EQ(::bind(fd.get(), address.data(), address.size()), 0);
  ASSERT_EQ(::listen(fd.get(), 8), 0);
  const auto answer = request(folder_ + "/silent", "GET", "/", std::chrono::milliseconds(20));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, folder_ + "/silent: Connection timed out");
}

TEST(WaitForEnd, ReturnsWhenTheProcessIsGone) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  EXPECT_TRUE(wait_for_end(child, std::chrono::seconds(10)));
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_FALSE(wait_for_end(::getpid(), std::chrono::milliseconds(1)));
  EXPECT_FALSE(wait_for_end(0, std::chrono::seconds(10)));
}

}  // namespace
}  // namespace roundhouse::cli
