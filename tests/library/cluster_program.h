// The subject of a test: a primary that obeys, and what it and its workers print.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/address.h"
#include "support/client.h"
#include "support/process.h"

namespace roundhouse::test {

class ClusterProgram {
 public:
  // The commands are obeyed before it runs; so there is a worker among them, or it ends at once.
  // `under`: a command that runs it, such as valgrind.
  explicit ClusterProgram(const std::vector<std::string>& commands,
                          const Process::Options& options = {},
                          const std::vector<std::string>& under = {}) {
    const std::string fifo = directory_.path() + "/commands";
    EXPECT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    commands_.reset(::open(fifo.c_str(), O_RDWR | O_CLOEXEC));
    std::vector<std::string> line = under;
    line.insert(line.end(), {CLUSTER_SUBJECT, fifo});
    line.insert(line.end(), commands.begin(), commands.end());
    process_ = std::make_unique<Process>(std::move(line), options);
  }

  void tell(const std::string& command) {
    const std::string line = command + "\n";
    EXPECT_EQ(::write(commands_.get(), line.data(), line.size()),
              static_cast<ssize_t>(line.size()));
  }
  void tell_worker(int id, const std::string& command) {
    tell("tell " + std::to_string(id) + " " + command);
  }

  Process& process() { return *process_; }
  const std::string& directory() const { return directory_.path(); }
  bool prints(const std::string& text) {
    const bool found = process_->prints(text);
    EXPECT_TRUE(found) << "'" << text << "' is not in:\n" << process_->output();
    return found;
  }
  // A whole line.
  bool says(const std::string& line) { return prints(line + "\n"); }
  std::size_t count(const std::string& text) {
    std::size_t found = 0;
    const std::string all = process_->output();
    for (std::size_t at = all.find(text); at != std::string::npos; at = all.find(text, at + 1))
      ++found;
    return found;
  }
  // Behind `text` to the end of its line, where it was printed last.
  std::string after(const std::string& text) {
    const std::string all = process_->output();
    const std::size_t at = all.rfind(text);
    if (at == std::string::npos) return "";
    const std::size_t begin = at + text.size();
    return all.substr(begin, all.find('\n', begin) - begin);
  }
  // Where a worker says that it listens.
  Address address(int id) {
    const std::string said = "w" + std::to_string(id) + " listens on ";
    prints(said);
    return Address::parse(after(said)).value_or(Address());
  }
  pid_t pid_of(int id) {
    const std::string said = "fork " + std::to_string(id) + " pid ";
    prints(said);
    return static_cast<pid_t>(std::atoi(after(said).c_str()));
  }
  // It ends by itself, as it should.
  void ends() {
    says("over");
    const Ended how = process_->wait();
    EXPECT_EQ(how.signal, 0) << process_->output();
    EXPECT_EQ(how.code, 0) << process_->output();
  }
  void disconnects_and_ends() {
    tell("disconnect-all");
    ends();
  }

 private:
  TemporaryDirectory directory_;
  UniqueFd commands_;
  std::unique_ptr<Process> process_;
};

inline const std::string kAnyPort = "127.0.0.1:0";

}  // namespace roundhouse::test
