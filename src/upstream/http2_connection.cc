#include "upstream/http2_connection.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "upstream/endpoint.h"

namespace roundhouse::upstream {
namespace {

constexpr std::uint64_t kTurnBytesMax = 512 * std::uint64_t{1024};

}  // namespace

Http2Connection::Http2Connection(const Parts& parts, std::unique_ptr<Connection> connection)
    : parts_(parts),
      connection_(std::move(connection)),
      codec_(http::Http2Codec::Role::kClient, {}, parts.shared.heads),
      output_(codec_, connection_->transport(), parts.shared.outputs) {
  connection_->set_user(this);
  flush_later();
}

Http2Connection::~Http2Connection() { CHECK(calls_.empty()); }

bool Http2Connection::has_room() const {
  return !leaving_ && !over_ && calls_.size() + opening_ < parts_.streams && codec_.may_open() &&
         codec_.streams() < parts_.streams;
}

std::unique_ptr<Http2Call> Http2Connection::open() {
  cancel();
  ++opening_;
  return std::make_unique<Http2Call>(*this, served_ > 0);
}

bool Http2Connection::start(Http2Call& call, const http::Http2Codec::RequestHead& head) {
  CHECK(call.stream_ == nullptr);
  http::Http2Codec::RequestHead whole = head;
  whole.scheme = parts_.scheme;
  http::Http2Stream* const stream = over_ ? nullptr : codec_.request(whole);
  if (stream == nullptr) return false;
  --opening_;
  ++served_;
  stream->set_user(&call);
  call.stream_ = stream;
  calls_.push_back(&call);
  flush_later();
  return true;
}

std::size_t Http2Connection::write(Http2Call& call, std::string_view data) {
  const auto written = output_.write(*call.stream_, data, false);
  call.waits_for_room_ = written.taken < data.size();
  flush_later();
  return written.taken;
}

// Its user has left it, or it is closed.
void Http2Connection::forget(Http2Call& call) {
  std::erase(touched_, &call);
  if (call.stream_ == nullptr) {
    --opening_;
  } else {
    std::erase(calls_, &call);
    call.stream_->set_user(nullptr);
    codec_.reset(*call.stream_, http::Http2Error::kCancel);
  }
  if (call.trailers_ != nullptr) parts_.shared.heads.release(std::move(call.trailers_));
  if (!over_) flush_later();
}

void Http2Connection::touch(Http2Call& call) {
  if (!std::exchange(call.touched_, true)) touched_.push_back(&call);
}

void Http2Connection::flush_later() {
  if (inside_ || std::exchange(deferred_, true)) return;
  parts_.loop.defer([this] {
    deferred_ = false;
    flush();
  });
}

void Http2Connection::on_upstream_ready(Ready ready) {
  if (over_) return;
  readable_ = readable_ || ready.readable || ready.ending;
  if (ready.writable) output_.on_writable();
  read();
  flush();
}

void Http2Connection::read() {
  std::uint64_t turn = 0;
  while (!over_ && readable_) {
    const Transport::Transfer in = connection_->transport().read(parts_.shared.input);
    if (in.status == Transport::Status::kWouldBlock) {
      readable_ = false;
    } else if (in.status != Transport::Status::kMoved) {
      break_off();
    } else {
      connection_->count(0, in.bytes);
      digest({parts_.shared.input.data(), in.bytes});
      turn += in.bytes;
      if (turn < kTurnBytesMax || over_) continue;
      parts_.loop.defer([this] { on_upstream_ready({.readable = true}); });
      return;
    }
  }
}

void Http2Connection::digest(std::string_view bytes) {
  inside_ = true;
  codec_.receive(bytes, parts_.loop.now());
  take_events();
  inside_ = false;
  tell_turn_over();
}

void Http2Connection::take_events() {
  while (auto event = codec_.next_event()) take(*std::move(event));
}

void Http2Connection::take(http::Http2Event event) {
  using Kind = http::Http2Event::Kind;
  if (event.kind == Kind::kGoAway) {
    leaving_ = true;
    return;
  }
  auto* const call = static_cast<Http2Call*>(event.stream->user());
  if (call == nullptr || call->user_ == nullptr) {
    if (event.head != nullptr) parts_.shared.heads.release(std::move(event.head));
    return;
  }
  touch(*call);
  switch (event.kind) {
    case Kind::kHead:
      call->user_->on_call_head(*event.head);
      parts_.shared.heads.release(std::move(event.head));
      break;
    case Kind::kTrailers:
      call->trailers_ = std::move(event.head);
      break;
    case Kind::kData:
      call->on_data(event.data);
      break;
    case Kind::kEnd:
      call->on_end();
      break;
    case Kind::kClosed:
      close(*call, event.error);
      break;
    case Kind::kGoAway:
      break;
  }
}

// The stream is no more; what has come of a whole answer is still there.
void Http2Connection::close(Http2Call& call, http::Http2Error error) {
  std::erase(calls_, &call);
  call.connection_ = nullptr;
  call.stream_ = nullptr;
  if (call.ended_) return;
  if (call.user_ != nullptr) call.user_->on_call_closed(error);
}

void Http2Connection::give_room() {
  for (std::size_t i = 0; i < calls_.size(); ++i) {
    Http2Call& call = *calls_[i];
    if (!call.waits_for_room_ || call.user_ == nullptr || output_.room(*call.stream_) == 0)
      continue;
    call.waits_for_room_ = false;
    touch(call);
    call.user_->on_call_room();
  }
}

void Http2Connection::tell_turn_over() {
  while (!touched_.empty()) {
    Http2Call* const call = touched_.back();
    touched_.pop_back();
    call->touched_ = false;
    if (call->user_ != nullptr) call->user_->on_call_turn_over();
  }
}

void Http2Connection::flush() {
  if (over_ || inside_) return;
  inside_ = true;
  output_.begin_turn(kTurnBytesMax);
  while (output_.flush()) {
  }
  take_events();
  if (!output_.blocked()) give_room();
  while (output_.flush()) {
  }
  inside_ = false;
  tell_turn_over();
  count_moved();
  settle();
}

void Http2Connection::count_moved() {
  if (const std::uint64_t moved = output_.take_moved()) connection_->count(moved, 0);
}

// Nothing more can be done in this turn.
void Http2Connection::settle() {
  if (over_) return;
  output_.rest();
  if (output_.failed() || codec_.finished()) {
    break_off();
  } else if (idle() && leaving_) {
    retire();
  } else if (idle()) {
    if (!pending()) parts_.deadlines.set(*this, parts_.loop.now() + parts_.keep_alive);
  } else {
    cancel();
  }
}

// Each call hears of it, and may begin again elsewhere.
void Http2Connection::break_off() {
  leaving_ = true;
  while (!calls_.empty()) {
    Http2Call& call = *calls_.back();
    touch(call);
    close(call, http::Http2Error::kInternal);
  }
  tell_turn_over();
  retire();
}

void Http2Connection::retire() {
  if (std::exchange(over_, true)) return;
  cancel();
  parts_.owner.on_http2_over(*this);
}

void Http2Connection::leave() {
  leaving_ = true;
  if (idle()) retire();
}

void Http2Connection::expired() {
  if (!idle()) return;
  codec_.close(http::Http2Error::kNone);
  output_.flush();
  retire();
}

}  // namespace roundhouse::upstream
