// Bytes on their way: they come in behind and leave in front. A fixed capacity, taken once.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

#include "base/check.h"

namespace roundhouse {

class Buffer {
 public:
  explicit Buffer(std::size_t capacity)
      : bytes_(std::make_unique_for_overwrite<char[]>(capacity)), capacity_(capacity) {}

  std::string_view bytes() const { return {bytes_.get() + begin_, end_ - begin_}; }
  bool empty() const { return begin_ == end_; }

  // Moves the bytes to the front, behind what is pinned, and shows the room behind them.
  std::span<char> room() {
    if (begin_ != pinned_) {
      std::memmove(bytes_.get() + pinned_, bytes_.get() + begin_, end_ - begin_);
      end_ -= begin_ - pinned_;
      begin_ = pinned_;
    }
    return {bytes_.get() + end_, capacity_ - end_};
  }
  std::size_t room_size() const { return capacity_ - pinned_ - (end_ - begin_); }
  void filled(std::size_t count) {
    CHECK(count <= capacity_ - end_);
    end_ += count;
  }
  void drop(std::size_t count) {
    CHECK(count <= end_ - begin_);
    begin_ += count;
  }
  // REQUIRES: text fits.
  void append(std::string_view text) {
    const std::span<char> free = room();
    CHECK(text.size() <= free.size());
    filled(text.copy(free.data(), text.size()));
  }

  // What has been dropped so far stays where it is, for views into it, until unpin().
  void pin() { pinned_ = begin_; }
  void unpin() { pinned_ = 0; }
  void clear() { begin_ = end_ = pinned_ = 0; }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_;
  std::size_t pinned_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace roundhouse
