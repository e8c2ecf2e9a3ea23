// Bytes on their way from one connection to another without a copy into this process: splice(2).
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "base/unique_fd.h"
#include "net/transport.h"

namespace roundhouse {

// A pipe of the kernel with both its ends.
class Pipe {
 public:
  // How much it holds at once; the kernel takes less where the bytes came in small pieces.
  static constexpr std::size_t kBytesMax = 256 * std::size_t{1024};

  // nullptr: no descriptors are left.
  static std::unique_ptr<Pipe> create();

  // Takes what has come for `from`, at most `most`, whose kEnd and kFailed it tells. kWouldBlock:
  // nothing has come, or, unless the pipe is empty, it has no room. Nothing: this kernel cannot do
  // it for `from`. REQUIRES: most > 0.
  std::optional<Transport::Transfer> fill(const Transport& from, std::size_t most = kBytesMax);
  // Gives to `to`, whose kWouldBlock and kFailed it tells. REQUIRES: not empty.
  Transport::Transfer drain(const Transport& to);

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  Pipe(UniqueFd out, UniqueFd in) : out_(std::move(out)), in_(std::move(in)) {}

  UniqueFd out_;
  UniqueFd in_;
  std::size_t size_ = 0;
};

// The pipes of one worker: made when they are wanted, a few kept for the next. Outlives them.
class PipePool {
 public:
  static constexpr std::size_t kUsedMax = 256;  // two descriptors each
  static constexpr std::size_t kFreeMax = 64;

  // Empty. nullptr: there is none to be had now.
  std::unique_ptr<Pipe> acquire();
  void release(std::unique_ptr<Pipe> pipe);

  std::size_t used() const { return used_; }
  std::size_t free() const { return free_.size(); }

 private:
  std::vector<std::unique_ptr<Pipe>> free_;
  std::size_t used_ = 0;
};

}  // namespace roundhouse
