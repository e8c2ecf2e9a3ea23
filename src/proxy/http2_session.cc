#include "proxy/http2_session.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "proxy/handler.h"
#include "proxy/session.h"

namespace roundhouse::proxy {
namespace {

static_assert(std::size(ipc::kHttp2Floods) == http::kHttp2FloodCount);

http::Http2Limits limits_of(const config::Listener::Limits& limits) {
  return {.head = {.line_bytes = limits.line,
                   .head_bytes = limits.headers,
                   .fields = limits.header_count},
          .streams = limits.streams};
}

}  // namespace

Http2Session::Http2Session(Http2Server& server, Http2Server::Arrival arrival)
    : server_(server),
      transport_(std::move(arrival.transport)),
      tls_(std::move(arrival.tls)),
      info_(arrival.info),
      ticket_(std::move(arrival.ticket)),
      codec_(http::Http2Codec::Role::kServer, limits_of(listener().limits), server.heads_),
      output_(codec_, transport_, server.outputs_),
      entered_(loop().now()),
      sent_(entered_) {}

Http2Session::~Http2Session() = default;

void Http2Session::start(std::string_view received) {
  count(ipc::Http2Count::kConnections);
  answer_pace_.start(listener().limits.answer_rate, loop().now());
  advancing_ = true;
  digest(received);
  advancing_ = false;
  advance();
}

void Http2Session::on_ready(Ready ready) {
  ready = transport_.meaning_of(ready);
  readable_ = readable_ || ready.readable || ready.ending;
  peer_ending_ = peer_ending_ || ready.ending;
  if (ready.writable) output_.on_writable();
  advance();
}

void Http2Session::resume(Http2Request& request) {
  if (!std::exchange(request.to_go_on_, true)) to_go_on_.push_back(&request);
  if (!advancing_ && !std::exchange(deferred_, true)) server_.advance_later(*this);
}

void Http2Session::wait_for_room(Http2Request& request) {
  if (!std::exchange(request.waits_for_room_, true)) waiting_for_room_.push_back(&request);
}

// Everything that can be done now: input becomes requests, requests become frames, those are sent.
void Http2Session::advance() {
  if (state_ == State::kClosed) return;
  advancing_ = true;
  turn_bytes_ = 0;
  output_.begin_turn(Workspace::kTurnBytesMax);
  while (state_ != State::kClosed && !output_.failed() && turn_bytes_ < Workspace::kTurnBytesMax &&
         step()) {
  }
  advancing_ = false;
  if (output_.failed()) reset();
  if (state_ != State::kClosed) rest();
}

bool Http2Session::step() {
  if (state_ == State::kLingering) return drop_input();
  const bool received = state_ == State::kOpen && receive();
  const bool served = serve();
  const bool sent = flush();
  return received || served || sent;
}

// While output is stuck no more is asked of us.
bool Http2Session::receive() {
  if (!readable_ || output_.blocked()) return false;
  const Transport::Transfer in = transport_.read(server_.input_);
  switch (in.status) {
    case Transport::Status::kMoved:
      turn_bytes_ += in.bytes;
      digest({server_.input_.data(), in.bytes});
      if (in.dry && !peer_ending_) readable_ = false;
      return true;
    case Transport::Status::kWouldBlock:
      readable_ = false;
      return false;
    case Transport::Status::kEnd:
    case Transport::Status::kFailed:
      close();
      return false;
  }
  CHECK(false);
}

void Http2Session::digest(std::string_view bytes) {
  codec_.receive(bytes, loop().now());
  take_events();
  end_if_finished();
}

void Http2Session::take_events() {
  while (auto event = codec_.next_event()) take(*std::move(event));
}

void Http2Session::take(http::Http2Event event) {
  using Kind = http::Http2Event::Kind;
  if (event.kind == Kind::kHead) {
    begin_request(std::move(event));
    return;
  }
  if (event.stream == nullptr) return;  // the client opens no stream any more: that is its affair
  auto* const request = static_cast<Http2Request*>(event.stream->user());
  if (request == nullptr) return;
  switch (event.kind) {
    case Kind::kData:
      request->on_data(event.data);
      break;
    case Kind::kTrailers:
      request->on_trailers(std::move(event.head));
      break;
    case Kind::kEnd:
      request->on_end();
      break;
    case Kind::kClosed:
      request->on_closed(event.error);
      forget(*request);
      break;
    case Kind::kHead:
    case Kind::kGoAway:
      break;
  }
}

void Http2Session::begin_request(http::Http2Event event) {
  ++requests_;
  requests_open_.emplace_back(*this, *event.stream, std::move(event.head), server_.acquire());
  const auto request = std::prev(requests_open_.end());
  request->self_ = request;
  event.stream->set_user(&*request);
  request->begin();
  // It stands for as many connections of HTTP/1.1 as it may have streams. What the client has sent
  // before it read our GOAWAY is answered, but not without end.
  const config::Listener::Limits& limits = listener().limits;
  const std::uint64_t most = std::uint64_t{limits.requests_per_connection} * limits.streams;
  if (requests_ >= most) announce_close();
  if (requests_ >= most + limits.streams && !closing_) {
    closing_ = true;
    codec_.close(http::Http2Error::kNone);
  }
}

void Http2Session::forget(Http2Request& request) {
  if (request.to_go_on_) std::erase(to_go_on_, &request);
  if (request.waits_for_room_) std::erase(waiting_for_room_, &request);
  requests_open_.erase(request.self_);
  if (idle()) entered_ = loop().now();
}

void Http2Session::release(std::unique_ptr<http::Http2Head> head,
                           std::unique_ptr<http::Http2Head> trailers,
                           std::unique_ptr<Http2Workspace> work) {
  server_.heads_.release(std::move(head));
  if (trailers != nullptr) server_.heads_.release(std::move(trailers));
  server_.release(std::move(work));
}

// What exchanges have asked for, and those that waited for room, in turn.
bool Http2Session::serve() {
  bool served = false;
  while (!to_go_on_.empty()) {
    const auto requests = std::exchange(to_go_on_, {});
    for (Http2Request* request : requests) request->to_go_on_ = false;
    for (Http2Request* request : requests) request->go_on();
    served = true;
  }
  give_room();
  return served;
}

// Each gets a share, as far as there is room: the first of this time is the last of the next.
void Http2Session::give_room() {
  const auto requests = std::exchange(waiting_for_room_, {});
  for (Http2Request* request : requests) request->waits_for_room_ = false;
  for (Http2Request* request : requests) {
    if (!request->starved()) continue;
    if (room(request->stream()) == 0) {
      wait_for_room(*request);
      continue;
    }
    request->on_room();
  }
}

}  // namespace roundhouse::proxy
