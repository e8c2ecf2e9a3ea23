// A running instance as its operator changes it: the file, and the commands.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "support/instance.h"

namespace roundhouse::test {

// In the file of the instance, once.
inline void change(const Instance& instance, const std::string& from, const std::string& to) {
  const std::string path = instance.directory() + "/roundhouse.yaml";
  std::ifstream before(path);
  std::string text(std::istreambuf_iterator<char>(before), {});
  const auto at = text.find(from);
  ASSERT_NE(at, text.npos) << from;
  text.replace(at, from.size(), to);
  std::ofstream(path) << text;
}

inline Finished operate(const Instance& instance, std::vector<std::string> words) {
  words.insert(words.begin(), binary());
  words.insert(words.end(), {"--socket", instance.control_socket()});
  return run(std::move(words));
}

inline bool all_are_others(const std::vector<pid_t>& before, const std::vector<pid_t>& now) {
  return std::ranges::all_of(
      now, [&](pid_t pid) { return pid != 0 && std::ranges::find(before, pid) == before.end(); });
}

// Clients that ask on and on, each until something goes wrong for it.
class Load {
 public:
  // One more client; what it returns asks once, and says whether all was well.
  using MakeClient = std::function<std::function<bool()>()>;

  Load(int clients, const MakeClient& make_client) {
    for (int i = 0; i < clients; ++i) {
      threads_.emplace_back([this, make_client] {
        const auto ask = make_client();
        while (!over_ && failed_ == 0) {
          if (!ask()) ++failed_;
          ++asked_;
        }
      });
    }
  }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  ~Load() { end(); }

  bool asks(int more) const {
    const int enough = asked_ + more;
    return eventually([&] { return asked_ >= enough || failed_ != 0; }) && failed_ == 0;
  }
  int failed() {
    end();
    return failed_;
  }

 private:
  void end() {
    over_ = true;
    for (std::thread& thread : threads_)
      if (thread.joinable()) thread.join();
  }

  std::atomic<bool> over_{false};
  std::atomic<int> asked_{0};
  std::atomic<int> failed_{0};
  std::vector<std::thread> threads_;
};

}  // namespace roundhouse::test
