// How a session sends what is there for its client.
#include <algorithm>

#include "net/pipe.h"
#include "proxy/server.h"
#include "proxy/session.h"

namespace roundhouse::proxy {

// Sends what there is. True: something may go on.
bool Session::flush() {
  if (work_ == nullptr || !writable_) return false;
  if (transport_.holds_unsent() && !flush_unsent()) return false;
  const std::string_view bytes = work_->output.bytes();
  if (bytes.empty()) {
    if (state_ == State::kFlushing) {
      finish_connection();
      return state_ != State::kFlushing;
    }
    if (!work_->answer.take_starved() || exchange_ == nullptr) return false;
    exchange_->on_room();
    return true;
  }
  const Transport::Transfer out = send({});
  if (out.status == Transport::Status::kFailed) {
    close();
    return false;
  }
  return writable_;
}

// Of what TLS has sealed already.
bool Session::flush_unsent() {
  const Transport::Status status = transport_.flush();
  writable_ = status != Transport::Status::kWouldBlock;
  sent_ = loop().now();
  if (status == Transport::Status::kFailed) close();
  return status == Transport::Status::kMoved;
}

// What there is, and then `more`. How many bytes of both.
Transport::Transfer Session::send(std::string_view more) {
  Buffer& output = work_->output;
  const std::string_view bytes = output.bytes();
  Transport::Transfer out{};
  if (bytes.empty() || more.empty())
    out = transport_.write(bytes.empty() ? more : bytes);
  else
    out = transport_.write(bytes, more);
  output.drop(std::min(out.bytes, bytes.size()));
  work_->answer_pace.moved(out.bytes, loop().now());
  turn_bytes_ += out.bytes;
  writable_ = out.bytes == bytes.size() + more.size() && !transport_.holds_unsent();
  sent_ = loop().now();
  return out;
}

// Called by the exchange, which goes on: a connection that fails here is left for later.
std::size_t Session::send_with(std::string_view more) {
  if (!writable_ || turn_bytes_ >= Workspace::kTurnBytesMax) return 0;
  const std::size_t before = work_->output.bytes().size();
  if (before + more.size() == 0) return 0;
  const Transport::Transfer out = send(more);
  if (out.status == Transport::Status::kFailed) aborted_ = true;
  return out.bytes > before ? out.bytes - before : 0;
}

// Until the socket says that it has no room: that the pipe gave less than it holds need not mean
// that, and the loop would not tell then.
std::size_t Session::send_from(Pipe& pipe) {
  send_with({});
  std::size_t sent = 0;
  while (writable_ && !pipe.empty() && turn_bytes_ < Workspace::kTurnBytesMax) {
    const Transport::Transfer out = pipe.drain(transport_);
    if (out.status == Transport::Status::kFailed) aborted_ = true;
    writable_ = out.status == Transport::Status::kMoved;
    work_->answer_pace.moved(out.bytes, loop().now());
    sent += out.bytes;
    turn_bytes_ += out.bytes / Workspace::kSplicedToCopied;
    sent_ = loop().now();
  }
  return sent;
}

}  // namespace roundhouse::proxy
