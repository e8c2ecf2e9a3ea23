#include "proxy/http2_request.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "http/framing.h"
#include "proxy/failure_answer.h"
#include "proxy/http2_session.h"

namespace roundhouse::proxy {
namespace {

constexpr Time kNever = Time::max();

}  // namespace

Http2Request::Http2Request(Http2Session& session, http::Http2Stream& stream,
                           std::unique_ptr<http::Http2Head> head,
                           std::unique_ptr<Http2Workspace> work)
    : session_(session),
      stream_(stream),
      head_(std::move(head)),
      work_(std::move(work)),
      began_(session.loop().now()),
      received_(began_),
      moved_(began_),
      number_(session.requests()),
      body_ended_(head_->ended) {}

Http2Request::~Http2Request() {
  reset_ = true;  // if by anybody, by us: the worker ends
  if (!over_) finish();
  session_.release(std::move(head_), std::move(trailers_), std::move(work_));
}

bool Http2Request::is_local() const { return ipc::peer_of(session_.info()).is_loopback(); }
const TlsFacts* Http2Request::tls() const { return session_.tls(); }
const ipc::ConnectionInfo& Http2Request::connection() const { return session_.info(); }
Address Http2Request::local_address() const { return session_.local_address(); }
const config::Listener& Http2Request::listener() const { return session_.listener(); }
EventLoop& Http2Request::loop() { return session_.loop(); }
AccessRecord* Http2Request::record() const {
  return session_.parts().access_log == nullptr ? nullptr : &work_->record;
}

void Http2Request::begin() {
  const http::Failure failure = http::read_request(*head_, work_->request);
  const http::Request& request = work_->request;
  in_progress_.emplace(session_.parts().slot, request, session_.info());
  count(ipc::Http2Count::kStreams);
  work_->record.start();
  answer_.start(session_, stream_, request, session_.date_line());
  pace_.start(listener().limits.body_rate, began_);
  if (failure != http::Failure::kNone) {
    refuse(failure);
    return;
  }
  body_limit_ = session_.parts().handler.body_limit(*this);
  if (request.body.framing == http::Framing::kLength && request.body.bytes > body_limit_) {
    refuse(http::Failure::kBodyTooLong);
    return;
  }
  exchange_ = session_.parts().handler.on_request(*this);
  CHECK(exchange_ != nullptr || answer_.done() || aborted_);
  offer_body();
  settle();
}

void Http2Request::accept_body() {
  CHECK(!answer_.begun());
  accepts_body_ = body_end_left_ = true;
  if (work_->request.expect_continue && !body_ended_)
    session_.codec().answer(stream_, 100, {}, false);
}

void Http2Request::begin_tunnel() { CHECK(false); }  // there is none: Http2Answer never begins one

void Http2Request::on_data(std::string_view data) {
  received_ = loop().now();
  pace_.moved(data.size(), received_);
  body_bytes_ += data.size();
  work_->record.request_bytes = body_bytes_;
  if (over_ || !accepts_body_) {
    session_.codec().consume(stream_, data.size());
    if (over_ || body_bytes_ <= body_limit_) return;
  }
  if (body_bytes_ > body_limit_) {
    refuse(http::Failure::kBodyTooLong);
    return;
  }
  if (held_.empty()) data.remove_prefix(offer(data));
  held_.append(data);
  settle();
}

std::size_t Http2Request::offer(std::string_view data) {
  if (exchange_ == nullptr || aborted_) return 0;
  const std::size_t taken = exchange_->on_body(data);
  CHECK(taken <= data.size());
  session_.codec().consume(stream_, taken);
  return taken;
}

void Http2Request::on_trailers(std::unique_ptr<http::Http2Head> trailers) {
  trailers_ = std::move(trailers);
}

void Http2Request::on_end() {
  received_ = loop().now();
  body_ended_ = true;
  if (over_) return;
  if (trailers_ != nullptr) {
    const http::Failure failure = http::check_trailers(*trailers_);
    if (failure != http::Failure::kNone) {
      refuse(failure);
      return;
    }
  }
  offer_body();
  settle();
}

// What has been held of the body, and its end.
void Http2Request::offer_body() {
  std::size_t taken = 0;
  while (taken < held_.size()) {
    const std::size_t more = offer(std::string_view(held_).substr(taken));
    if (more == 0) break;
    taken += more;
  }
  held_.erase(0, taken);
  if (held_.empty()) held_.shrink_to_fit();
  if (!held_.empty() || !body_ended_ || !body_end_left_ || exchange_ == nullptr || aborted_) return;
  static const http::FieldTable kNone(0);
  body_end_left_ = !exchange_->on_body_end(trailers_ == nullptr ? kNone : trailers_->fields);
}

void Http2Request::resume() { session_.resume(*this); }

void Http2Request::abort() {
  aborted_ = true;
  resume();
}

void Http2Request::go_on() {
  if (over_) return;
  offer_body();
  settle();
}

void Http2Request::on_room() {
  if (over_) return;
  moved_ = loop().now();
  if (answer_.holds_rest()) {
    answer_.flush_rest();
  } else if (answer_.take_starved() && exchange_ != nullptr && !aborted_) {
    exchange_->on_room();
    offer_body();
  }
  settle();
}

// Nobody is inside its exchange.
void Http2Request::settle() {
  if (over_) return;
  if (aborted_) {
    reset(http::Http2Error::kInternal);
    return;
  }
  if (answer_.done() && !answer_.holds_rest()) {
    finish();
    return;
  }
  if (answer_.done()) end_exchange();
  if (starved()) {
    if (!waits_for_room_) moved_ = loop().now();
    session_.wait_for_room(*this);
  }
  pace_.set_waiting(waits_for_body(), loop().now());
  const Time when = next_deadline();
  if (when == kNever)
    cancel();
  else
    session_.parts().deadlines.set(*this, when);
}

void Http2Request::finish() {
  over_ = true;
  cancel();
  end_exchange();
  if (record() != nullptr) log();
  in_progress_.reset();
  session_.codec().consume(stream_, held_.size());
  held_ = {};
}

void Http2Request::end_exchange() {
  if (exchange_ != nullptr && record() != nullptr) exchange_->describe(work_->record);
  exchange_.reset();
}

void Http2Request::log() {
  AccessRecord& record = work_->record;
  describe_request(work_->request, *session_.parts().access_log, record);
  if (!answer_.done() && record.failure == http::Failure::kNone && !reset_)
    record.failure = http::Failure::kClientGone;
  log_request(*session_.parts().access_log, record,
              {.connection = session_.info(),
               .tls = tls(),
               .listener = listener().name,
               .connection_requests = number_,
               .answer = answer_,
               .took = loop().now() - began_});
}

// Without an error the last of its answer went out just now.
void Http2Request::on_closed(http::Http2Error error) {
  if (over_) return;
  if (error != http::Http2Error::kNone) count(ipc::Http2Count::kClientResets);
  finish();
}

void Http2Request::reset(http::Http2Error error) {
  reset_ = true;
  count(ipc::Http2Count::kServerResets);
  session_.codec().reset(stream_, error);
  finish();
}

void Http2Request::count(ipc::Http2Count what) { session_.count(what); }

void Http2Request::count(http::Failure failure) {
  if (exchange_ != nullptr && exchange_->on_refused(failure)) return;
  ipc::add(session_.parts().slot.proxy_failures[static_cast<std::size_t>(failure)]);
}

// The stream alone is at fault: the connection goes on.
void Http2Request::refuse(http::Failure failure) {
  work_->record.failure = failure;
  count(failure);
  if (answer_.begun()) {
    if (!answer_.done()) reset(http::Http2Error::kCancel);
    return;
  }
  const std::uint32_t listener = session_.info().listener;
  if (listener < ipc::kMaxListeners) ipc::add(session_.parts().slot.request_failures[listener]);
  answer_.start(session_, stream_, work_->request, session_.date_line());
  CHECK(answer_failure(answer_, failure, Duration{}));
  settle();
}

// From the client alone, not for the exchange to take what has come.
bool Http2Request::waits_for_body() const {
  return !body_ended_ && accepts_body_ && held_.empty() && !starved();
}

Time Http2Request::next_deadline() const {
  const config::Listener::Timeouts& timeouts = listener().timeouts;
  if (starved()) return moved_ + timeouts.body_idle;
  if (!waits_for_body()) return kNever;
  return std::min({received_ + timeouts.body_idle, began_ + timeouts.request, pace_.deadline()});
}

void Http2Request::expired() {
  if (starved()) {
    work_->record.failure = http::Failure::kClientStalled;
    count(http::Failure::kClientStalled);
    reset(http::Http2Error::kCancel);
  } else {
    refuse(http::Failure::kBodyTimeout);
  }
  session_.resume(*this);  // what that has queued is sent
}

}  // namespace roundhouse::proxy
