// How an HTTP/2 connection sends, waits and ends.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "proxy/http2_session.h"
#include "proxy/session.h"

namespace roundhouse::proxy {
namespace {

constexpr std::uint64_t kLingerBytesMax = 1024 * std::uint64_t{1024};
constexpr Duration kLingerTime = std::chrono::seconds(2);
// From the announcement of the close to it: requests on their way are still answered.
constexpr Duration kCloseGrace = std::chrono::milliseconds(500);
constexpr Time kNever = Time::max();

}  // namespace

void Http2Session::count(ipc::Http2Count what, std::size_t offset) {
  if (info_.listener >= ipc::kMaxListeners) return;
  ipc::add(parts().slot.http2[info_.listener][static_cast<std::size_t>(what) + offset]);
}

// Frames that wait go out, and what was written before them. True: something may go on.
bool Http2Session::flush() {
  const bool sent = output_.flush();
  take_events();  // streams that ended with what was written
  end_if_finished();
  note_sent();
  if (state_ == State::kFlushing && output_.empty()) finish_connection();
  return sent;
}

void Http2Session::note_sent() {
  const std::uint64_t moved = output_.take_moved();
  if (moved == 0) return;
  answer_pace_.moved(moved, loop().now());
  turn_bytes_ += moved;
  sent_ = loop().now();
}

void Http2Session::end_if_finished() {
  if (state_ != State::kOpen || !codec_.finished()) return;
  if (const auto flood = codec_.flood()) {
    count(ipc::Http2Count::kFloods, static_cast<std::size_t>(*flood));
    log::info("http2_flood", "a client sent too much on one HTTP/2 connection, which is closed",
              {{"client", ipc::peer_of(info_).host()},
               {"kind", ipc::kHttp2Floods[static_cast<std::size_t>(*flood)]}});
  } else if (codec_.error() != http::Http2Error::kNone) {
    count(ipc::Http2Count::kConnectionErrors);
  }
  enter(State::kFlushing);
}

// Under TLS the end is a message, which may have to wait for room.
void Http2Session::finish_connection() {
  if (transport_.end_writing() == Transport::Status::kWouldBlock) {
    output_.set_writable(false);
    return;
  }
  readable_ = true;
  enter(State::kLingering);
}

bool Http2Session::drop_input() {
  if (!readable_) return false;
  const Transport::Transfer in = transport_.read(server_.input_);
  if (in.status == Transport::Status::kWouldBlock) {
    readable_ = false;
    return false;
  }
  turn_bytes_ += in.bytes;
  dropped_ += in.bytes;
  if (in.status == Transport::Status::kMoved && dropped_ <= kLingerBytesMax) return true;
  close();
  return false;
}

void Http2Session::announce_close() {
  if (std::exchange(announced_close_, true)) return;
  announced_ = loop().now();
  codec_.announce_close();
}

void Http2Session::drain() {
  if (state_ != State::kOpen) return;
  announce_close();
  if (!advancing_) advance();
}

void Http2Session::cut() { reset(); }

void Http2Session::enter(State state) {
  state_ = state;
  entered_ = loop().now();
}

void Http2Session::expired() {
  if (output_.blocked()) {
    ipc::add(parts().slot.proxy_failures[static_cast<std::size_t>(http::Failure::kClientStalled)]);
    reset();
    return;
  }
  if (state_ != State::kOpen) {
    close();
    return;
  }
  readable_ = true;  // a request that has come meanwhile is answered
  if (announced_close_ && !closing_) {
    advance();
    if (state_ != State::kOpen) return;
    closing_ = true;
    codec_.close(http::Http2Error::kNone);
  } else {
    advance();
    if (state_ != State::kOpen || !idle()) return;
    announce_close();
  }
  advance();
}

Time Http2Session::next_deadline() const {
  const config::Listener::Timeouts& timeouts = listener().timeouts;
  if (output_.blocked()) return std::min(sent_ + timeouts.body_idle, answer_pace_.deadline());
  switch (state_) {
    case State::kOpen:
      if (announced_close_) return closing_ ? kNever : announced_ + kCloseGrace;
      if (!idle()) return kNever;
      return entered_ + (requests_ == 0 ? timeouts.header : timeouts.keep_alive);
    case State::kFlushing:
      return sent_ + timeouts.body_idle;
    case State::kLingering:
      return entered_ + kLingerTime;
    case State::kClosed:
      return kNever;
  }
  CHECK(false);
}

// Nothing more can be done in this turn.
void Http2Session::rest() {
  output_.rest();
  const bool yields = turn_bytes_ >= Workspace::kTurnBytesMax;
  answer_pace_.set_waiting(output_.blocked(), loop().now());
  const Interest wanted = !output_.writable() || yields || transport_.wants_room()
                              ? Interest::kReadWrite
                              : Interest::kRead;
  // A new watch reports what is ready now.
  if (yields || interest_ == Interest::kNone ||
      (wanted == Interest::kReadWrite && interest_ == Interest::kRead)) {
    interest_ = wanted;
    watcher_.watch(loop(), transport_.fd(), wanted, Trigger::kEdge, *this);
  }
  const Time when = next_deadline();
  if (when == kNever)
    cancel();
  else
    parts().deadlines.set(*this, when);
}

void Http2Session::reset() {
  if (state_ == State::kClosed) return;
  watcher_.stop();
  transport_.reset();
  close();
}

void Http2Session::close() {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  for (Http2Request& request : requests_open_) request.on_closed(http::Http2Error::kCancel);
  to_go_on_.clear();
  waiting_for_room_.clear();
  ticket_.release();
  cancel();
  watcher_.stop();
  transport_.close();
  server_.closed(*this);
}

}  // namespace roundhouse::proxy
