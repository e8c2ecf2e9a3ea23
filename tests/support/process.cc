#include "support/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

namespace roundhouse::test {
namespace {

std::vector<pid_t> children_of(pid_t parent) {
  std::ifstream file("/proc/" + std::to_string(parent) + "/task/" + std::to_string(parent) +
                     "/children");
  std::vector<pid_t> children;
  for (pid_t child = 0; file >> child;) children.push_back(child);
  return children;
}

void kill_tree(pid_t root) {
  const std::vector<pid_t> children = children_of(root);
  ::kill(root, SIGKILL);
  for (const pid_t child : children) kill_tree(child);
}

[[noreturn]] void run_child(char** arguments, char** environment, const char* cwd,
                            unsigned descriptor_limit, int output) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (descriptor_limit != 0) {
    const rlimit limit{.rlim_cur = descriptor_limit, .rlim_max = descriptor_limit};
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  const int nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  if (cwd[0] == '\0' || ::chdir(cwd) == 0) ::execvpe(arguments[0], arguments, environment);
  ::_exit(127);
}

}  // namespace

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
    ::poll(nullptr, 0, 2);
  }
  return true;
}

Process::Process(std::vector<std::string> command, const Options& options) {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  output_.reset(ends[0]);
  const UniqueFd writer(ends[1]);
  ::fcntl(output_.get(), F_SETFL, O_NONBLOCK);
  std::vector<char*> arguments;
  for (std::string& argument : command) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  std::vector<std::string> variables = options.environment;
  const auto overridden = [&](std::string_view inherited) {
    const auto name = inherited.substr(0, inherited.find('=') + 1);
    return std::ranges::any_of(options.environment,
                               [&](const auto& own) { return own.starts_with(name); });
  };
  for (char** inherited = environ; *inherited != nullptr; ++inherited) {
    if (!overridden(*inherited)) variables.emplace_back(*inherited);
  }
  std::vector<char*> environment;
  for (std::string& variable : variables) environment.push_back(variable.data());
  environment.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ == 0) {
    run_child(arguments.data(), environment.data(), options.cwd.c_str(), options.descriptor_limit,
              writer.get());
  }
}

Process::~Process() {
  if (pid_ <= 0 || ended_) return;
  kill_tree(pid_);
  ::waitpid(pid_, nullptr, 0);
}

void Process::signal(int number) const { ::kill(pid_, number); }

void Process::read_output() {
  char buffer[16384];
  for (ssize_t n = 0; (n = ::read(output_.get(), buffer, sizeof buffer)) > 0;) {
    printed_.append(buffer, static_cast<std::size_t>(n));
  }
}

std::string Process::output() {
  read_output();
  return printed_;
}

bool Process::prints(const std::string& text, std::chrono::milliseconds patience) {
  return eventually([&] { return output().find(text) != std::string::npos; }, patience);
}

bool Process::running() {
  if (ended_) return false;
  int status = 0;
  read_output();
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return true;
  ended_ = true;
  how_ =
      WIFSIGNALED(status) ? Ended{.signal = WTERMSIG(status)} : Ended{.code = WEXITSTATUS(status)};
  read_output();
  return false;
}

Ended Process::wait(std::chrono::milliseconds patience) {
  EXPECT_TRUE(eventually([this] { return !running(); }, patience)) << "it still runs; it printed:\n"
                                                                   << printed_;
  return how_;
}

Finished run(std::vector<std::string> command, const Process::Options& options) {
  Process process(std::move(command), options);
  const Ended ended = process.wait();
  return {.ended = ended, .output = process.output()};
}

TemporaryDirectory::TemporaryDirectory() {
  char name[] = "/tmp/roundhouse-test-XXXXXX";
  path_ = ::mkdtemp(name);
  ::chmod(path_.c_str(), 0755);
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryDirectory::write(const std::string& name, const std::string& content) const {
  const std::filesystem::path file = path_ + "/" + name;
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << content;
  return file.string();
}

}  // namespace roundhouse::test
