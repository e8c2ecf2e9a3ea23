#include "http/http1_writer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <memory>

#include "base/check.h"
#include "http/scan.h"

namespace roundhouse::http {
namespace {

bool is_target(std::string_view text) {
  const char* const begin = std::to_address(text.begin());
  const char* const end = begin + text.size();
  return begin != end && skip_target(begin, end) == end;
}

// White space around a value would not survive the next parser.
bool is_trimmed_value(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  if (!text.empty() && (is_space(text.front()) || is_space(text.back()))) return false;
  return is_field_value(text);
}

char* copy(std::string_view text, char* out) {
  return std::ranges::copy(text, out).out;  // memcpy does not take the nullptr of an empty text
}

}  // namespace

bool HeadWriter::require(bool valid) {
  if (!valid && ok()) outcome_ = Outcome::kRefused;
  return ok();
}

// nullptr: there is none, and that decides the outcome.
char* HeadWriter::room_for(std::size_t bytes) {
  if (bytes > out_.size() - size_) {
    outcome_ = Outcome::kFull;
    return nullptr;
  }
  char* const begin = out_.data() + size_;
  size_ += bytes;
  return begin;
}

void HeadWriter::put(std::initializer_list<std::string_view> parts) {
  std::size_t wanted = 0;
  for (const std::string_view part : parts) wanted += part.size();
  char* out = room_for(wanted);
  if (out == nullptr) return;
  for (const std::string_view part : parts) out = copy(part, out);
}

HeadWriter& HeadWriter::request_line(std::string_view method, std::string_view target) {
  if (require(is_token(method) && is_target(target))) put({method, " ", target, " HTTP/1.1\r\n"});
  return *this;
}

HeadWriter& HeadWriter::status_line(int status, std::string_view reason) {
  CHECK(status >= 100 && status <= 599);
  const std::array<char, 3> digits = {static_cast<char>('0' + status / 100),
                                      static_cast<char>('0' + status / 10 % 10),
                                      static_cast<char>('0' + status % 10)};
  if (require(is_field_value(reason)))
    put({"HTTP/1.1 ", {digits.data(), digits.size()}, " ", reason, "\r\n"});
  return *this;
}

HeadWriter& HeadWriter::field(std::string_view name, std::string_view value) {
  if (!require(is_token(name) && is_trimmed_value(value))) return *this;
  if (char* out = room_for(name.size() + value.size() + 4)) {
    out = copy(": ", copy(name, out));
    copy("\r\n", copy(value, out));
  }
  return *this;
}

HeadWriter& HeadWriter::joined_field(std::string_view name,
                                     std::initializer_list<std::string_view> value) {
  if (!require(is_token(name))) return *this;
  const std::size_t before = size_;
  put({name, ": "});
  const std::size_t begin = size_;
  if (ok()) put(value);
  if (ok() && require(is_trimmed_value(text().substr(begin)))) put({"\r\n"});
  if (!ok()) size_ = before;
  return *this;
}

HeadWriter& HeadWriter::field(std::string_view name, std::uint64_t value) {
  std::array<char, 20> digits;
  const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  return field(name, std::string_view(digits.data(), result.ptr));
}

HeadWriter& HeadWriter::trusted_lines(std::string_view lines) {
  if (ok()) put({lines});
  return *this;
}

HeadWriter& HeadWriter::end() { return trusted_lines("\r\n"); }

std::size_t write_chunk_line(std::span<char, kChunkLineBytesMax> out, std::uint64_t bytes) {
  CHECK(bytes > 0);
  char* const digits_end = std::to_chars(out.data(), out.data() + 16, bytes, 16).ptr;
  std::memcpy(digits_end, kChunkEnd.data(), kChunkEnd.size());
  return static_cast<std::size_t>(digits_end - out.data()) + kChunkEnd.size();
}

}  // namespace roundhouse::http
