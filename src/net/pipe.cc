#include "net/pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace roundhouse {
namespace {

constexpr int kCapacityLeast = 64 * 1024;
constexpr std::uint32_t kEnds = 2;  // descriptors of a pipe

ssize_t splice_some(int from, int to, std::size_t most) {
  ssize_t count = -1;
  do {
    count = ::splice(from, nullptr, to, nullptr, most, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  } while (count < 0 && errno == EINTR);
  return count;
}

Transport::Transfer failed_or_later() {
  using Status = Transport::Status;
  const bool later = errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS;
  return {later ? Status::kWouldBlock : Status::kFailed, 0};
}

}  // namespace

std::unique_ptr<Pipe> Pipe::create(Size size) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC) != 0) return nullptr;
  UniqueFd out(ends[0]);
  UniqueFd in(ends[1]);
  // It may refuse: /proc/sys/fs/pipe-user-pages-soft.
  if (size == Size::kLarge) ::fcntl(in.get(), F_SETPIPE_SZ, static_cast<int>(kLargeBytesMax));
  if (::fcntl(in.get(), F_GETPIPE_SZ) < kCapacityLeast) return nullptr;
  return std::unique_ptr<Pipe>(new Pipe(std::move(out), std::move(in), size));
}

std::optional<Transport::Transfer> Pipe::fill(const Transport& from, std::size_t most) {
  if (size_ >= most_) return Transport::Transfer{Transport::Status::kWouldBlock, 0};
  const ssize_t count = splice_some(from.fd(), in_.get(), std::min(most, most_ - size_));
  if (count == 0) return Transport::Transfer{Transport::Status::kEnd, 0};
  if (count < 0) {
    if (errno == EINVAL || errno == ENOSYS) return std::nullopt;
    return failed_or_later();
  }
  const auto bytes = static_cast<std::size_t>(count);
  size_ += bytes;
  return Transport::Transfer{Transport::Status::kMoved, bytes};
}

Transport::Transfer Pipe::drain(const Transport& to) {
  const ssize_t count = splice_some(out_.get(), to.fd(), size_);
  if (count < 0) return failed_or_later();
  const auto bytes = static_cast<std::size_t>(count);
  size_ -= bytes;
  return {Transport::Status::kMoved, bytes};
}

std::unique_ptr<Pipe> PipePool::acquire(Pipe::Size size) {
  if (used_ >= kUsedMax || is_short()) return nullptr;
  const bool large = size == Pipe::Size::kLarge && used_large_ < kLargeMax;
  auto& free = large ? free_large_ : free_;
  std::unique_ptr<Pipe> pipe;
  if (free.empty()) {
    if (allowance_ != nullptr && !allowance_->allows(kEnds)) return nullptr;
    pipe = Pipe::create(large ? Pipe::Size::kLarge : Pipe::Size::kSmall);
    if (pipe != nullptr && allowance_ != nullptr) allowance_->take(kEnds);
  } else {
    pipe = std::move(free.back());
    free.pop_back();
  }
  if (pipe == nullptr) return nullptr;
  ++used_;
  if (large) ++used_large_;
  return pipe;
}

void PipePool::release(std::unique_ptr<Pipe> pipe) {
  const bool large = pipe->is_large();
  --used_;
  if (large) --used_large_;
  auto& free = large ? free_large_ : free_;
  if (pipe->empty() && free.size() < (large ? kLargeMax : kFreeMax) && !is_short())
    free.push_back(std::move(pipe));
  else if (allowance_ != nullptr)
    allowance_->give_back(kEnds);
}

void PipePool::drop_free() {
  if (allowance_ != nullptr) allowance_->give_back(static_cast<std::uint32_t>(free()) * kEnds);
  free_.clear();
  free_large_.clear();
}

}  // namespace roundhouse
