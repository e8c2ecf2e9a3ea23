// A child process of a test: started with its output captured, stopped and reaped when the object
// goes, also when the test fails.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace roundhouse::test {

inline constexpr std::chrono::seconds kPatience{30};  // how long a test waits for what must come

// Until `condition` holds, or kPatience is over: then false.
bool eventually(const std::function<bool()>& condition,
                std::chrono::milliseconds patience = kPatience);

struct Ended {
  int signal = 0;
  int code = 0;
};

class Process {
 public:
  struct Options {
    std::vector<std::string> environment = {};  // "NAME=value", over this process's own
    std::string cwd = {};
    unsigned descriptor_limit = 0;  // RLIMIT_NOFILE, soft and hard; 0: as it is
  };
  // Both outputs go to one place, output().
  Process(std::vector<std::string> command, const Options& options);
  explicit Process(std::vector<std::string> command) : Process(std::move(command), Options{}) {}
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  // Kills what still runs: the process and every descendant of it.
  ~Process();

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  // Everything it has printed so far.
  std::string output();
  bool prints(const std::string& text, std::chrono::milliseconds patience = kPatience);
  // Waits for its end.
  Ended wait(std::chrono::milliseconds patience = kPatience);
  bool running();

 private:
  void read_output();

  pid_t pid_ = 0;
  UniqueFd output_;
  std::string printed_;
  bool ended_ = false;
  Ended how_;
};

// Runs it to its end.
struct Finished {
  Ended ended;
  std::string output;
};
Finished run(std::vector<std::string> command, const Process::Options& options = {});

class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  const std::string& path() const { return path_; }
  // Writes a file in it, making the folders on the way, and returns its path.
  std::string write(const std::string& name, const std::string& content) const;

 private:
  std::string path_;
};

}  // namespace roundhouse::test
