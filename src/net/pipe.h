// Bytes on their way from one connection to another without a copy into this process: splice(2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/unique_fd.h"
#include "net/descriptor_allowance.h"
#include "net/transport.h"

namespace roundhouse {

// A pipe of the kernel with both its ends.
class Pipe {
 public:
  // A small one has the kernel's usual size. A large one costs a third less for each byte, but the
  // kernel allows a user, of all workers, only few.
  enum class Size : std::uint8_t { kSmall, kLarge };
  // How much they hold at once; the kernel takes less where the bytes came in small pieces.
  static constexpr std::size_t kSmallBytesMax = 256 * std::size_t{1024};
  static constexpr std::size_t kLargeBytesMax = 1024 * std::size_t{1024};

  // nullptr: no descriptors are left, or this user has so many pipes that a new one would be tiny.
  static std::unique_ptr<Pipe> create(Size size);

  // Takes what has come for `from`, at most `most`, whose kEnd and kFailed it tells. kWouldBlock:
  // nothing has come, or, unless the pipe is empty, it has no room. Nothing: this kernel cannot do
  // it for `from`. REQUIRES: most > 0.
  std::optional<Transport::Transfer> fill(const Transport& from, std::size_t most = kLargeBytesMax);
  // Gives to `to`, whose kWouldBlock and kFailed it tells. REQUIRES: not empty.
  Transport::Transfer drain(const Transport& to);

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  bool is_large() const { return most_ == kLargeBytesMax; }

 private:
  Pipe(UniqueFd out, UniqueFd in, Size size)
      : out_(std::move(out)),
        in_(std::move(in)),
        most_(size == Size::kLarge ? kLargeBytesMax : kSmallBytesMax) {}

  UniqueFd out_;
  UniqueFd in_;
  std::size_t most_;
  std::size_t size_ = 0;
};

// The pipes of one worker: made when they are wanted and there are descriptors to spare, a few kept
// for the next. Outlives them.
class PipePool {
 public:
  static constexpr std::size_t kUsedMax = 128;  // two descriptors each
  static constexpr std::size_t kFreeMax = 16;
  static constexpr std::size_t kLargeMax = 2;  // of these; who drains them at once needs but one

  // `allowance`: what their descriptors count against; must outlive it. nullptr: nothing.
  explicit PipePool(DescriptorAllowance* allowance = nullptr) : allowance_(allowance) {}
  PipePool(const PipePool&) = delete;
  PipePool& operator=(const PipePool&) = delete;

  // Empty, and small where no large one is left. nullptr: there is none to be had now.
  std::unique_ptr<Pipe> acquire(Pipe::Size size);
  void release(std::unique_ptr<Pipe> pipe);
  // Descriptors are wanted for something better: whoever can copy instead gives its pipe back.
  bool is_short() const { return allowance_ != nullptr && allowance_->exceeded(); }
  // Closes those that nobody uses.
  void drop_free();

  std::size_t used() const { return used_; }
  std::size_t free() const { return free_.size() + free_large_.size(); }

 private:
  DescriptorAllowance* allowance_;
  std::vector<std::unique_ptr<Pipe>> free_;
  std::vector<std::unique_ptr<Pipe>> free_large_;
  std::size_t used_ = 0;
  std::size_t used_large_ = 0;
};

}  // namespace roundhouse
