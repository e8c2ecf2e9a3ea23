// The way of a large body back from its endpoint, without a copy into this process.
#include "proxy/exchange.h"

namespace roundhouse::proxy {
namespace {

// Of the rest of a body: for less a pipe does not pay.
constexpr std::uint64_t kSplicedMin = 64 * std::uint64_t{1024};
constexpr std::uint64_t kTurnBytesMax = std::uint64_t{1024} * 1024;

}  // namespace

// Whether the rest of the body goes through a pipe: from the moment on that all that was received
// has been passed on.
bool UpstreamExchange::splices() {
  if (state_ != State::kAnswering) return false;
  if (space_->pipe != nullptr && space_->pipe->empty() && host_.pipes.is_short()) {
    may_splice_ = false;  // the rest is copied
    host_.pipes.release(std::move(space_->pipe));
    return false;
  }
  if (space_->pipe != nullptr) return !space_->pipe->empty() || !space_->body.done();
  if (!may_splice_ || plan_.client.tls() != nullptr || !connection_->transport().is_plain() ||
      space_->body.left_of_length() < kSplicedMin || decoded_ > 0 ||
      !plan_.client.answer().goes_as_it_is())
    return false;
  if (space_->received != nullptr && !space_->received->empty()) return false;
  space_->pipe = host_.pipes.acquire(Pipe::Size::kLarge);
  may_splice_ = space_->pipe != nullptr;
  return may_splice_;
}

void UpstreamExchange::splice() {
  Answer& answer = plan_.client.answer();
  std::uint64_t turn = 0;
  while (!blocked_) {
    while (readable_ && !space_->body.done() && fill_pipe()) {
    }
    if (space_->pipe == nullptr || space_->pipe->empty()) break;
    const std::size_t taken = answer.write_from(*space_->pipe);
    result_.body_bytes += taken;
    turn += taken;
    blocked_ = !space_->pipe->empty();
    if (turn >= kTurnBytesMax && !blocked_ && readable_ && !space_->body.done()) {
      // The others' turn; the client's next room calls again.
      blocked_ = true;
      answer.ask_for_room();
    }
  }
  if (state_ == State::kAnswering && space_->body.done() && !blocked_) finish_body({});
  if (state_ != State::kOver) set_deadline();
}

// False: no more can be taken now.
bool UpstreamExchange::fill_pipe() {
  Pipe& pipe = *space_->pipe;
  const auto in = pipe.fill(connection_->transport(), space_->body.left_of_length());
  if (!in) {
    may_splice_ = false;
    if (pipe.empty()) host_.pipes.release(std::move(space_->pipe));
    return false;
  }
  switch (in->status) {
    case Transport::Status::kMoved:
      space_->body.skip(in->bytes);
      connection_->count(0, in->bytes);
      last_moved_ = host_.loop.now();
      return true;
    case Transport::Status::kWouldBlock:
      if (pipe.empty()) readable_ = false;
      return false;
    case Transport::Status::kEnd:
    case Transport::Status::kFailed:
      host_.pipes.release(std::move(space_->pipe));
      on_upstream_end(in->status == Transport::Status::kFailed);
      return false;
  }
  return false;
}

}  // namespace roundhouse::proxy
