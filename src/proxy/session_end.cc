// How a session waits, refuses and ends.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "proxy/failure_answer.h"
#include "proxy/server.h"
#include "proxy/session.h"

namespace roundhouse::proxy {
namespace {

constexpr Duration kLingerTime = std::chrono::seconds(5);
constexpr Duration kDrainLingerTime =
    std::chrono::seconds(1);  // a process that ends waits for nobody
// Who has too many connections is not to hold more of them by being refused.
constexpr Duration kTurnedAwayLingerTime = std::chrono::seconds(1);
// A drain waits so long for the next request of an idle connection, to announce the close in its
// answer: a request on its way to a connection that is closed at once would be lost.
constexpr Duration kDrainGrace = std::chrono::milliseconds(500);
// Most clients that end their side have left; this is for one that waits for its answer.
constexpr Duration kHalfCloseGrace = std::chrono::milliseconds(1500);
// How long the last request of a connection is answered without a look at its client.
constexpr Duration kUnwatched = std::chrono::milliseconds(100);
constexpr Time kNever = Time::max();

static_assert(http::kFailureCount <= ipc::kMaxFailures);

}  // namespace

void Session::drain() {
  if (state_ == State::kRequest && !work_->answer.begun() && ends_with_server())
    work_->answer.set_close(true);
  if (state_ == State::kIdle || state_ == State::kLingering) rest();  // with the drain's deadline
}

void Session::cut() {
  if (tunnel_ && state_ == State::kRequest) return;
  aborted_ = true;
  reset();
}

bool Session::ends_with_server() const {
  return server_.draining() && (!transport_.is_plain() || !server_.gives_back(info_.listener));
}

// Between two requests, with no byte of the next read; one that the socket has goes with it.
bool Session::may_be_given_back() const {
  return state_ == State::kIdle && transport_.is_plain() && work_ == nullptr && !peer_ending_ &&
         !peer_ended_ && server_.gives_back(info_.listener);
}

void Session::enter(State state) {
  if (state_ == State::kRequest) leave_request();
  state_ = state;
  entered_ = loop().now();
}

void Session::leave_request() {
  end_exchange();
  if (server_.parts_.access_log != nullptr) log_request();
  in_progress_.reset();
}

void Session::end_exchange() {
  if (exchange_ != nullptr && server_.parts_.access_log != nullptr)
    exchange_->describe(work_->record);
  if (resuming_)
    loop().delete_later(std::move(exchange_));
  else
    exchange_.reset();
}

void Session::turn_away(http::Failure failure) {
  turned_away_ = true;
  if (!transport_.is_plain()) {  // an answer would cost a handshake
    count(failure);
    close();
    return;
  }
  acquire_workspace();
  refuse(failure);
  advance();
}

void Session::count(http::Failure failure) {
  if (exchange_ != nullptr && exchange_->on_refused(failure)) return;
  ipc::add(server_.parts_.slot.proxy_failures[static_cast<std::size_t>(failure)]);
}

void Session::refuse(http::Failure failure) {
  Workspace& work = *work_;
  if (state_ == State::kRequest) work.record.failure = failure;
  count(failure);
  if (state_ == State::kRequest && work.answer.done()) {
    refused_ = true;  // too late for another status: the answer goes out, and is the last
    enter(State::kFlushing);
    return;
  }
  if (state_ == State::kRequest && work.answer.begun()) {
    reset();
    return;
  }
  if (info_.listener < ipc::kMaxListeners)
    ipc::add(server_.parts_.slot.request_failures[info_.listener]);
  if (state_ == State::kRequest)
    work.answer.start(work.output, *this, work.request, true, server_.date_line_.text());
  else
    work.answer.start(work.output, *this, server_.date_line_.text());
  const bool answered = answer_failure(work.answer, failure, Duration{});
  if (state_ != State::kRequest) log_refusal(failure);
  if (!answered) {
    close();
    return;
  }
  refused_ = true;
  enter(State::kFlushing);
}

// Its end has come, and nothing but that end is known of it.
bool Session::client_is_leaving() const {
  return peer_ending_ && state_ == State::kRequest && work_->body.done() && !work_->answer.begun();
}

// From the client alone, not for the exchange to take what has come.
bool Session::waits_for_body() const {
  return state_ == State::kRequest && !tunnel_ && !work_->body.done() && body_left_.empty() &&
         !sending_blocked();
}

bool Session::sending_blocked() const {
  return work_ != nullptr && !writable_ &&
         (!work_->output.empty() || transport_.holds_unsent() ||
          (exchange_ != nullptr && work_->answer.starved()));
}

void Session::expired() {
  if (sending_blocked()) {
    if (state_ == State::kRequest) work_->record.failure = http::Failure::kClientStalled;
    count(http::Failure::kClientStalled);
    reset();
    return;
  }
  switch (state_) {
    case State::kHandshake:
      end_handshake(ipc::TlsOutcome::kTimeout);
      break;
    case State::kHead:
      refuse(http::Failure::kHeadTimeout);
      advance();
      break;
    case State::kRequest:
      if (needs_no_watch()) {
        watch(Interest::kRead);
        return;
      }
      if (client_is_leaving()) {
        close();
        return;
      }
      refuse(http::Failure::kBodyTimeout);
      if (state_ != State::kClosed) advance();
      break;
    case State::kIdle:
      readable_ = true;  // a request that has come meanwhile is answered
      advance();
      if (state_ == State::kIdle) close();
      break;
    case State::kFlushing:
    case State::kLingering:
      close();
      break;
    case State::kClosed:
      CHECK(false);
  }
}

Time Session::next_deadline() const {
  const config::Listener::Timeouts& timeouts = listener().timeouts;
  if (sending_blocked()) return std::min(sent_ + timeouts.body_idle, work_->answer_pace.deadline());
  switch (state_) {
    case State::kHandshake:
      return entered_ + timeouts.handshake;
    case State::kIdle: {
      const Time regular = entered_ + (fresh() ? timeouts.header : timeouts.keep_alive);
      if (!ends_with_server()) return regular;
      return std::min(regular, std::max(entered_, server_.drain_began_) + kDrainGrace);
    }
    case State::kHead:
      return entered_ + timeouts.header;
    case State::kRequest:
      if (tunnel_) return kNever;
      if (client_is_leaving()) return ending_ + kHalfCloseGrace;
      if (!waits_for_body()) return kNever;
      return std::min(
          {received_ + timeouts.body_idle, entered_ + timeouts.request, work_->pace.deadline()});
    case State::kFlushing:
      return sent_ + timeouts.body_idle;
    case State::kLingering:
      if (turned_away_) return entered_ + kTurnedAwayLingerTime;
      return entered_ + (server_.draining() ? kDrainLingerTime : kLingerTime);
    case State::kClosed:
      return kNever;
  }
  CHECK(false);
}

// All that is left is the answer of an exchange, after which the connection closes: mostly before
// anything could be learnt about the client, so that the loop need never know of it.
bool Session::needs_no_watch() const {
  return interest_ == Interest::kNone && state_ == State::kRequest && work_->body.done() &&
         work_->answer.closes() && writable_ && !peer_ending_;
}

void Session::watch(Interest interest) {
  interest_ = interest;
  watcher_.watch(loop(), transport_.fd(), interest, Trigger::kEdge, *this);
}

// Nothing more can be done in this turn.
void Session::rest() {
  const bool idle = state_ == State::kIdle;
  // Who has used up its share of the turn asks to be called in the next one: a new watch reports
  // what is ready now.
  const bool yields = turn_bytes_ >= Workspace::kTurnBytesMax;
  if (work_ != nullptr) {
    work_->pace.set_waiting(waits_for_body(), loop().now());
    work_->answer_pace.set_waiting(sending_blocked(), loop().now());
  }
  if (!yields && needs_no_watch()) {
    server_.parts_.deadlines.set(*this, loop().now() + kUnwatched);
    return;
  }
  const Interest wanted =
      !writable_ || yields || transport_.wants_room() ? Interest::kReadWrite : Interest::kRead;
  if (yields || interest_ == Interest::kNone ||
      (wanted == Interest::kReadWrite && interest_ == Interest::kRead))
    watch(wanted);
  const Time when = next_deadline();
  if (when == kNever)
    cancel();
  else
    server_.parts_.deadlines.set(*this, when);
  if (idle && work_ != nullptr && work_->input.empty() && work_->output.empty() &&
      !transport_.holds_unsent())
    server_.release(std::move(work_));
  if (may_be_given_back()) server_.give_back_later();
}

void Session::reset() {
  if (state_ == State::kClosed) return;
  watcher_.stop();
  transport_.reset();
  close();
}

void Session::close() {
  if (state_ == State::kClosed) return;
  if (state_ == State::kRequest) leave_request();
  state_ = State::kClosed;
  ticket_.release();
  cancel();
  watcher_.stop();
  transport_.close();
  if (work_ != nullptr) server_.release(std::move(work_));
  server_.closed(*this);
}

}  // namespace roundhouse::proxy
