#include "net/pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace roundhouse {
namespace {

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

std::unique_ptr<Pipe> Pipe::create() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC) != 0) return nullptr;
  ::fcntl(ends[0], F_SETPIPE_SZ, static_cast<int>(kBytesMax));
  return std::unique_ptr<Pipe>(new Pipe(UniqueFd(ends[0]), UniqueFd(ends[1])));
}

std::optional<Transport::Transfer> Pipe::fill(const Transport& from, std::size_t most) {
  if (size_ >= kBytesMax) return Transport::Transfer{Transport::Status::kWouldBlock, 0};
  const ssize_t count = splice_some(from.fd(), in_.get(), std::min(most, kBytesMax - size_));
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

std::unique_ptr<Pipe> PipePool::acquire() {
  if (used_ >= kUsedMax) return nullptr;
  std::unique_ptr<Pipe> pipe;
  if (free_.empty()) {
    pipe = Pipe::create();
  } else {
    pipe = std::move(free_.back());
    free_.pop_back();
  }
  if (pipe != nullptr) ++used_;
  return pipe;
}

void PipePool::release(std::unique_ptr<Pipe> pipe) {
  --used_;
  if (pipe->empty() && free_.size() < kFreeMax) free_.push_back(std::move(pipe));
}

}  // namespace roundhouse
