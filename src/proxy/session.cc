#include "proxy/session.h"

#include <algorithm>

#include "base/check.h"
#include "proxy/server.h"

namespace roundhouse::proxy {
namespace {

// What must be free for an answer before a request is given out: else what is there is sent first.
constexpr std::size_t kAnswerRoom = 20 * std::size_t{1024};
constexpr std::uint64_t kLingerBytesMax = 16 * std::uint64_t{1024} * 1024;

}  // namespace

Session::Session(Server& server, Transport transport, const ipc::ConnectionInfo& info)
    : server_(server),
      transport_(std::move(transport)),
      info_(info),
      entered_(server.parts_.loop.now()),
      received_(entered_),
      sent_(entered_),
      requests_(info.requests_served),
      state_(transport_.is_plain() ? State::kIdle : State::kHandshake) {}

Session::~Session() {
  aborted_ = true;  // by us: the worker ends
  if (state_ == State::kRequest) leave_request();
}

const config::Listener& Session::listener() const {
  return server_.parts_.listeners[info_.listener];
}
EventLoop& Session::loop() { return server_.parts_.loop; }
bool Session::is_local() const { return ipc::peer_of(info_).is_loopback(); }

void Session::start(ConnectionLimiter::Ticket ticket) {
  ticket_ = std::move(ticket);
  advance();
}

void Session::on_ready(Ready ready) {
  ready = transport_.meaning_of(ready);
  readable_ = readable_ || ready.readable;
  // While nothing more is expected, bytes are rare, and a reset looks like them: libevent tells an
  // error as plain readiness.
  const bool unexpected = ready.readable && state_ == State::kRequest && work_->body.done();
  if ((unexpected || (ready.ending && !peer_ending_ && state_ == State::kRequest)) &&
      transport_.has_failed()) {
    close();
    return;
  }
  if (ready.ending && !peer_ending_) {
    peer_ending_ = true;
    ending_ = loop().now();
  }
  writable_ = writable_ || ready.writable;
  advance();
}

void Session::resume() {
  if (advancing_ || state_ == State::kClosed) return;
  resuming_ = true;
  advance();
  resuming_ = false;
}

void Session::abort() {
  aborted_ = true;
  resume();
}

// Everything that can be done now: input becomes requests, requests become output, output is sent.
void Session::advance() {
  advancing_ = true;
  turn_bytes_ = 0;
  while (state_ != State::kClosed && !aborted_ && turn_bytes_ < Workspace::kTurnBytesMax &&
         (step() || flush())) {
  }
  advancing_ = false;
  if (aborted_) reset();
  if (state_ != State::kClosed) rest();
}

bool Session::step() {
  switch (state_) {
    case State::kHandshake:
      return step_handshake();
    case State::kIdle:
    case State::kHead:
      return step_head();
    case State::kRequest:
      return step_request();
    case State::kLingering:
      return drop_input();
    case State::kFlushing:
    case State::kClosed:
      return false;
  }
  CHECK(false);
}

void Session::acquire_workspace() {
  work_ = server_.acquire();
  work_->start({.line_bytes = listener().limits.line,
                .head_bytes = listener().limits.headers,
                .fields = listener().limits.header_count});
}

bool Session::step_head() {
  if (work_ == nullptr) {
    if (!readable_) return false;
    acquire_workspace();
  }
  if (!work_->input.empty() && !begins_http2()) {
    if (work_->output.room_size() < kAnswerRoom) return false;
    const http::Parse parsed = work_->parser.parse(work_->input.bytes(), work_->request);
    if (parsed == http::Parse::kDone) begin_request();
    if (parsed == http::Parse::kFailed) refuse(work_->parser.failure());
    if (parsed != http::Parse::kMore) return true;
  }
  if (state_ == State::kClosed) return false;
  switch (fill()) {
    case Input::kBytes:
      if (state_ == State::kIdle) enter(State::kHead);
      return true;
    case Input::kEnd:
      if (state_ == State::kHead) {
        work_->answer.start(work_->output, *this,
                            server_.date_line_.text());  // forgets the one before
        log_refusal(http::Failure::kClientGone);
      }
      enter(State::kFlushing);
      return true;
    case Input::kDry:
      return false;
    case Input::kFull:
      break;  // a head that does not fit has been refused
  }
  CHECK(false);
}

Session::Input Session::fill() {
  if (peer_ended_) return Input::kEnd;
  // In the middle of a message a short read is not taken for the last one: a reset may have come
  // with its bytes.
  if (!readable_ && (!short_read_ || state_ == State::kIdle)) return Input::kDry;
  const std::span<char> room = work_->input.room();
  if (room.empty()) return Input::kFull;
  const Transport::Transfer in = transport_.read(room);
  switch (in.status) {
    case Transport::Status::kMoved:
      work_->input.filled(in.bytes);
      turn_bytes_ += in.bytes;
      received_ = loop().now();
      work_->pace.moved(in.bytes, received_);
      short_read_ = in.dry;
      if (short_read_ && !peer_ending_) readable_ = false;
      return Input::kBytes;
    case Transport::Status::kWouldBlock:
      readable_ = short_read_ = false;
      return Input::kDry;
    case Transport::Status::kEnd:
    case Transport::Status::kFailed:
      peer_ended_ = true;
      return Input::kEnd;
  }
  CHECK(false);
}

void Session::begin_request() {
  Workspace& work = *work_;
  const config::Listener::Limits& limits = listener().limits;
  work.input.drop(work.request.head_size);
  work.input.pin();
  state_ = State::kRequest;  // the clock of the request runs since its first byte
  ++requests_;
  in_progress_.emplace(server_.parts_.slot, work.request, info_);
  accepts_body_ = body_end_left_ = tunnel_ = false;
  body_left_ = {};
  work.record.start();
  work.body.start(work.request.body, {.body_bytes = server_.parts_.handler.body_limit(*this)});
  work.pace.start(limits.body_rate, loop().now());
  work.answer_pace.start(limits.answer_rate, loop().now());
  work.pace.moved(work.input.bytes().size(), loop().now());
  const bool close =
      !work.request.keep_alive || requests_ >= limits.requests_per_connection || ends_with_server();
  // Whether the body of who waits for 100 will come is unknown unless it is asked for.
  work.answer.start(work.output, *this, work.request, close || work.request.expect_continue,
                    server_.date_line_.text());
  if (work.body.failure() != http::Failure::kNone) {
    refuse(work.body.failure());
    return;
  }
  exchange_ = server_.parts_.handler.on_request(*this);
  CHECK(exchange_ != nullptr || work.answer.done() || aborted_);
}

void Session::accept_body() {
  Workspace& work = *work_;
  CHECK(!work.answer.begun());
  accepts_body_ = true;
  body_end_left_ = true;
  if (!work.request.expect_continue) return;
  if (work.input.empty()) work.output.append(http::kContinue);
  work.answer.set_close(!work.request.keep_alive || ends_with_server() ||
                        requests_ >= listener().limits.requests_per_connection);
}

void Session::begin_tunnel() {
  work_->body.start({http::Framing::kUntilClose, 0}, {});
  tunnel_ = accepts_body_ = body_end_left_ = true;
}

bool Session::step_request() {
  Workspace& work = *work_;
  const bool answered = work.answer.done();
  if (answered && exchange_ != nullptr) end_exchange();
  const bool received = work.body.done() && body_left_.empty() && (!body_end_left_ || answered);
  if (answered && received) {
    finish_request();
    return true;
  }
  if (answered && work.answer.closes()) {
    enter(State::kFlushing);
    return true;
  }
  return !received && step_body();
}

bool Session::step_body() {
  Workspace& work = *work_;
  if (!body_left_.empty()) return offer_body();
  if (work.body.done()) {
    if (!exchange_->on_body_end(work.body.trailers())) return false;
    body_end_left_ = false;
    return true;
  }
  const http::BodyDecoder::Step taken = work.body.decode(work.input.bytes());
  if (taken.status == http::Parse::kFailed) {
    refuse(work.body.failure());
    return true;
  }
  if (taken.status == http::Parse::kDone && taken.data.empty()) {
    end_size_ = taken.consumed;  // stays in the input: the trailers are views into it
    return true;
  }
  work.input.drop(taken.consumed);
  work.record.request_bytes += taken.data.size();
  if (accepts_body_ && exchange_ != nullptr) body_left_ = taken.data;
  if (taken.consumed > 0) return true;
  switch (fill()) {
    case Input::kBytes:
      return true;
    case Input::kEnd:
      if (tunnel_) {
        work.body.end_of_input();
        return true;
      }
      if (!work.answer.done()) {
        close();
        return false;
      }
      enter(State::kFlushing);
      return true;
    case Input::kDry:
      return false;
    case Input::kFull:
      break;  // trailers that do not fit have been refused
  }
  CHECK(false);
}

bool Session::offer_body() {
  if (exchange_ == nullptr) {
    body_left_ = {};
    return true;
  }
  const std::size_t taken = exchange_->on_body(body_left_);
  CHECK(taken <= body_left_.size());
  body_left_.remove_prefix(taken);
  return taken > 0;
}

void Session::finish_request() {
  Workspace& work = *work_;
  work.input.drop(std::exchange(end_size_, 0));
  work.input.unpin();
  if (work.answer.closes()) {
    enter(State::kFlushing);
    return;
  }
  enter(work.input.empty() ? State::kIdle : State::kHead);
  work.parser.start();
}

// Whether close() cannot destroy the answer on its way: it would if bytes of the client were left
// unread.
bool Session::closes_cleanly() const {
  if (peer_ended_) return true;
  return !refused_ && !readable_ && work_->body.done() && work_->input.empty() &&
         !work_->request.keep_alive;
}

// Under TLS the end is a message, which may have to wait for room.
void Session::finish_connection() {
  if (transport_.tell_end() == Transport::Status::kWouldBlock) {
    writable_ = false;
    return;
  }
  if (closes_cleanly()) {
    close();
    return;
  }
  transport_.end_writing();
  server_.release(std::move(work_));
  readable_ = true;
  enter(State::kLingering);
}

bool Session::drop_input() {
  if (!readable_) return false;
  const Transport::Transfer in = transport_.read(server_.scratch_);
  switch (in.status) {
    case Transport::Status::kMoved:
      turn_bytes_ += in.bytes;
      dropped_ += in.bytes;
      if (dropped_ <= kLingerBytesMax) return true;
      break;
    case Transport::Status::kWouldBlock:
      readable_ = false;
      return false;
    case Transport::Status::kEnd:
    case Transport::Status::kFailed:
      break;
  }
  close();
  return false;
}

}  // namespace roundhouse::proxy
