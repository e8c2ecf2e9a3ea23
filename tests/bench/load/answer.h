// One HTTP/1.1 answer, read as it arrives: just enough to tell a right one from a wrong one.
//
// Independent of the product's own codec, so that a mistake there cannot hide here. Only answers
// with Content-Length are right.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace roundhouse::bench {

class Answer {
 public:
  enum class State { kNothing, kPartial, kWhole, kWrong };

  // `expected` outlives it.
  explicit Answer(const std::string& expected) : expected_(expected) {}

  void clear();
  // Bytes behind the end of the answer make it wrong.
  State take(std::string_view bytes);
  State state() const { return state_; }
  // The server said that it closes.
  bool says_close() const { return says_close_; }
  // Worker-Pid of a whole answer; 0: it did not say.
  std::uint32_t worker_pid() const { return worker_pid_; }

 private:
  bool read_head();
  void read_field(std::string_view name, std::string_view value);

  const std::string& expected_;
  std::string text_;
  std::size_t head_size_ = 0;  // 0: not whole yet
  std::size_t body_size_ = 0;
  State state_ = State::kNothing;
  bool has_length_ = false;
  bool says_close_ = false;
  std::uint32_t worker_pid_ = 0;
};

}  // namespace roundhouse::bench
