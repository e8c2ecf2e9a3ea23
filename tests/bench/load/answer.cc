#include "bench/load/answer.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace roundhouse::bench {
namespace {

constexpr std::size_t kMaxAnswer = 65536;

bool same_name(std::string_view one, std::string_view other) {
  return std::ranges::equal(one, other, [](unsigned char a, unsigned char b) {
    return std::tolower(a) == std::tolower(b);
  });
}

template <typename Number>
bool read_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

void Answer::clear() {
  text_.clear();
  head_size_ = body_size_ = 0;
  state_ = State::kNothing;
  has_length_ = says_close_ = false;
  worker_pid_ = 0;
}

Answer::State Answer::take(std::string_view bytes) {
  if (state_ == State::kWrong || bytes.empty()) return state_;
  text_ += bytes;
  state_ = State::kPartial;
  if (head_size_ == 0) {
    const std::size_t end = text_.find("\r\n\r\n");
    if (end == std::string::npos) {
      if (text_.size() > kMaxAnswer) state_ = State::kWrong;
      return state_;
    }
    head_size_ = end + 4;
    if (!read_head()) return state_ = State::kWrong;
  }
  const std::size_t whole = head_size_ + body_size_;
  if (text_.size() < whole) return state_;
  const bool right =
      text_.size() == whole && std::string_view(text_).substr(head_size_).starts_with(expected_);
  return state_ = right ? State::kWhole : State::kWrong;
}

bool Answer::read_head() {
  std::string_view rest(text_.data(), head_size_ - 2);
  if (!rest.starts_with("HTTP/1.1 200 ")) return false;
  rest.remove_prefix(rest.find("\r\n") + 2);
  while (!rest.empty()) {
    const std::size_t end = rest.find("\r\n");
    const std::string_view line = rest.substr(0, end);
    const std::size_t colon = line.find(": ");
    if (colon == std::string_view::npos) return false;
    read_field(line.substr(0, colon), line.substr(colon + 2));
    rest.remove_prefix(end + 2);
  }
  return has_length_ && body_size_ <= kMaxAnswer;
}

void Answer::read_field(std::string_view name, std::string_view value) {
  if (same_name(name, "content-length")) has_length_ = read_number(value, body_size_);
  if (same_name(name, "connection")) says_close_ = same_name(value, "close");
  if (same_name(name, "worker-pid") && !read_number(value, worker_pid_)) worker_pid_ = 0;
}

}  // namespace roundhouse::bench
