#include "proxy/flow.h"

#include <utility>

#include "base/check.h"

namespace roundhouse::proxy {
namespace {

// So many whole scratches in a row are more than a message.
constexpr std::uint32_t kFullReads = 2;
// A pipe that moves less than this at a time costs more than a copy.
constexpr std::uint64_t kWorthSplicing = 16 * std::uint64_t{1024};

}  // namespace

Flow::~Flow() {
  if (pipe_ != nullptr) release_pipe();
}

Flow::Status Flow::advance(Transport& from, Transport& to) {
  turn_ = 0;
  may_splice_ = may_splice_ && from.is_plain() && to.is_plain();
  if (to.holds_unsent() && !blocked_) {
    const Transport::Status status = to.flush();
    if (status == Transport::Status::kFailed) return Status::kSinkFailed;
    blocked_ = status == Transport::Status::kWouldBlock;
  }
  while (true) {
    if (holds_bytes() && !blocked_) {
      if (const auto failure = deliver(to)) return *failure;
    }
    if (blocked_) return Status::kWaits;
    if (ended_) {
      if (!passed_) {
        blocked_ = to.end_writing() == Transport::Status::kWouldBlock;
        passed_ = !blocked_;
      }
      return blocked_ ? Status::kWaits : Status::kEnded;
    }
    if (!readable_) return Status::kWaits;
    if (turn_ >= kTurnBytesMax) return Status::kYields;
    if (const auto failure = splices_ ? splice(from) : copy(from, to)) return *failure;
  }
}

std::optional<Flow::Status> Flow::copy(Transport& from, Transport& to) {
  const Transport::Transfer in = from.read(host_.scratch);
  if (in.status != Transport::Status::kMoved) return stop_reading(in.status);
  const bool full = in.bytes == host_.scratch.size();
  if (in.dry && !thorough_) readable_ = false;
  full_reads_ = full ? full_reads_ + 1 : 0;
  if (full_reads_ >= kFullReads && may_splice_) {
    full_reads_ = 0;
    splices_ = true;
  }
  std::optional<Status> failure;
  const std::string_view rest = send({host_.scratch.data(), in.bytes}, to, failure);
  if (!rest.empty() && !failure) {
    held_ = std::make_unique<Buffer>(rest.size());
    held_->append(rest);
  }
  return failure;
}

// REQUIRES: nothing is on its way.
std::optional<Flow::Status> Flow::splice(Transport& from) {
  // Who blocks keeps its pipe meanwhile: a small one.
  pipe_ = host_.pipes.acquire(steady_ ? Pipe::Size::kLarge : Pipe::Size::kSmall);
  steady_ = true;
  if (pipe_ == nullptr) {
    splices_ = false;
    return std::nullopt;
  }
  const auto in = pipe_->fill(from);
  if (!in) may_splice_ = splices_ = false;
  if (in && in->status == Transport::Status::kMoved) {
    burst_ += in->bytes;
    return std::nullopt;
  }
  release_pipe();
  return in ? stop_reading(in->status) : std::nullopt;
}

std::optional<Flow::Status> Flow::stop_reading(Transport::Status why) {
  if (std::exchange(burst_, 0) < kWorthSplicing) splices_ = false;
  switch (why) {
    case Transport::Status::kWouldBlock:
      readable_ = thorough_ = false;
      return std::nullopt;
    case Transport::Status::kEnd:
      ended_ = true;
      return std::nullopt;
    case Transport::Status::kFailed:
      return Status::kSourceFailed;
    case Transport::Status::kMoved:
      break;
  }
  CHECK(false);
}

// What it did not take.
std::string_view Flow::send(std::string_view bytes, Transport& to, std::optional<Status>& failure) {
  const Transport::Transfer out = to.write(bytes);
  if (out.status != Transport::Status::kMoved && out.status != Transport::Status::kWouldBlock)
    failure = Status::kSinkFailed;
  count(out.bytes);
  blocked_ = out.bytes < bytes.size() || to.holds_unsent();
  return bytes.substr(out.bytes);
}

std::optional<Flow::Status> Flow::deliver(Transport& to) {
  std::optional<Status> failure;
  if (held_ != nullptr) {
    const std::size_t before = held_->bytes().size();
    held_->drop(before - send(held_->bytes(), to, failure).size());
    if (held_->empty()) held_.reset();
    return failure;
  }
  while (!pipe_->empty()) {
    const Transport::Transfer out = pipe_->drain(to);
    count(out.bytes);
    if (out.status == Transport::Status::kMoved) continue;
    if (out.status != Transport::Status::kWouldBlock) return Status::kSinkFailed;
    blocked_ = true;
    steady_ = false;
    return std::nullopt;
  }
  release_pipe();
  return std::nullopt;
}

void Flow::release_pipe() { host_.pipes.release(std::move(pipe_)); }

}  // namespace roundhouse::proxy
