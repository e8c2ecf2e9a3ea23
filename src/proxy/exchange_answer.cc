// The way of an answer back from its endpoint.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "http/framing.h"
#include "proxy/exchange.h"

namespace roundhouse::proxy {
namespace {

constexpr std::uint32_t kInterimMax = 16;
constexpr std::size_t kTrailerRoom = 8192;  // for the trailers of one body
constexpr std::uint64_t kTurnBytesMax = 256 * std::uint64_t{1024};

}  // namespace

void UpstreamExchange::on_upstream_ready(Ready ready) {
  if (state_ == State::kOver) return;
  readable_ = readable_ || ready.readable || ready.ending;
  if (ready.ending) upstream_ended_ = true;
  {
    const Inside inside(*this);
    if (ready.writable) flush_unsent();
    if (!blocked_) read();
  }
  if (state_ != State::kConnecting) plan_.client.resume();
}

// The client has room again.
void UpstreamExchange::on_room() {
  if (state_ == State::kOver || !blocked_) return;
  const Inside inside(*this);
  blocked_ = false;
  if (call_ != nullptr) {
    call_->go_on();
    return;
  }
  if (splices()) {
    splice();
  } else if (space_->received != nullptr && !space_->received->empty()) {
    take(space_->received->bytes(), true);
  }
  if (!blocked_ && state_ != State::kOver) read();
}

std::span<char> UpstreamExchange::room_for_answer() {
  const bool large = state_ == State::kAwaiting && connection_->last_was_large();
  return std::span(host_.scratch).first(large ? ExchangeSpace::kReadOfLarge : ExchangeSpace::kRead);
}

void UpstreamExchange::read() {
  std::uint64_t turn = 0;
  while (state_ != State::kOver && state_ != State::kConnecting && readable_ && !blocked_) {
    if (splices()) {
      splice();
      continue;
    }
    const bool kept = space_->received != nullptr && !space_->received->empty();
    const std::span<char> room = kept ? space_->received->room() : room_for_answer();
    const Transport::Transfer in = connection_->transport().read(room);
    if (in.status == Transport::Status::kWouldBlock) {
      readable_ = false;
      break;
    }
    if (in.status != Transport::Status::kMoved) {
      on_upstream_end(in.status == Transport::Status::kFailed);
      continue;
    }
    // A short read is not taken for the last one while more is to come: a reset that came with
    // these bytes is announced by nothing else (libevent tells an error as plain readiness).
    got_bytes_ = true;
    connection_->count(0, in.bytes);
    last_moved_ = host_.loop.now();
    turn += in.bytes;
    if (kept) space_->received->filled(in.bytes);
    take(kept ? space_->received->bytes() : std::string_view(host_.scratch.data(), in.bytes), kept);
    if (turn >= kTurnBytesMax && readable_ && !blocked_) {
      // The others' turn; the client's next room calls again.
      blocked_ = true;
      plan_.client.answer().ask_for_room();
    }
  }
  if (state_ != State::kOver) set_deadline();
}

// What cannot be passed on yet is kept. `kept`: it is in the buffer already.
void UpstreamExchange::take(std::string_view received, bool kept) {
  const std::string_view rest = digest(received);
  if (kept) {
    if (space_->received != nullptr)
      space_->received->drop(
          std::min(received.size() - rest.size(), space_->received->bytes().size()));
    return;
  }
  if (rest.empty() || state_ == State::kOver || state_ == State::kConnecting) return;
  // It is empty, and may be small: an earlier rest was.
  if (space_->received == nullptr || space_->received->room_size() < rest.size())
    space_->received =
        std::make_unique<Buffer>(rest.size() + ExchangeSpace::kHeadLimits.head_bytes);
  space_->received->append(rest);
}

// Passes on what it can, and returns the rest.
std::string_view UpstreamExchange::digest(std::string_view received) {
  while (state_ != State::kOver && !blocked_) {
    if (state_ == State::kConnecting) return {};
    const bool moved = state_ == State::kAwaiting ? digest_head(received) : digest_body(received);
    if (!moved) break;
  }
  return state_ == State::kOver ? std::string_view() : received;
}

// False: nothing more can be done now.
bool UpstreamExchange::digest_head(std::string_view& received) {
  http::Response& response = space_->response;
  if (received.empty()) return false;
  switch (space_->parser.parse(received, response)) {
    case http::Parse::kMore:
      return false;
    case http::Parse::kFailed:
      fail(http::Failure::kBadResponse);
      return false;
    case http::Parse::kDone:
      break;
  }
  bool passed = true;
  if (response.status == 101) {
    passed = begin_tunnel();
  } else if (response.status < 200) {
    passed = pass_interim();
  } else {
    passed = begin_answer();
  }
  if (passed) received.remove_prefix(response.head_size);
  return passed;
}

bool UpstreamExchange::pass_interim() {
  if (++interim_ > kInterimMax) {
    fail(http::Failure::kTooManyInterim);
    return false;
  }
  http::Response& response = space_->response;
  // 100 was ours to say, and has been said.
  if (response.status != 100) {
    Answer& answer = plan_.client.answer();
    plan_.source->write_response(response, endpoint(), answer.begin_interim(response.status));
    answer.end_interim();
  }
  space_->parser.start(plan_.client.request().method);
  return true;
}

bool UpstreamExchange::begin_tunnel() {
  if (!plan_.upgrade) {
    fail(http::Failure::kUnaskedUpgrade);
    return false;
  }
  Answer& answer = plan_.client.answer();
  plan_.source->write_response(space_->response, endpoint(), answer.begin_forwarded(101));
  if (!answer.begin_tunnel()) {
    fail(http::Failure::kBadResponse);
    return false;
  }
  tunnel_ = true;
  result_.status = 101;
  state_ = State::kAnswering;
  space_->body.start({http::Framing::kUntilClose, 0}, {});
  plan_.client.begin_tunnel();
  return true;
}

bool UpstreamExchange::begin_answer() {
  const http::Response& response = space_->response;
  Answer& answer = plan_.client.answer();
  if (has_request_body() && !request_sent_ && !response.keep_alive) answer.set_close(true);
  http::HeadWriter& head = answer.begin_forwarded(response.status);
  plan_.source->write_response(response, endpoint(), head);
  if (!response.fields.find("Date")) head.trusted_lines(answer.date_line());
  http::BodyLength length = response.body;
  if (length.framing == http::Framing::kUntilClose) length = {http::Framing::kChunked, 0};
  if (plan_.client.request().method == http::Method::kHead) {
    const auto announced = response.fields.find("Content-Length");
    const auto bytes = announced ? http::parse_content_length(*announced) : std::nullopt;
    length = {http::Framing::kUntilClose, 0};
    if (bytes)
      length = *bytes == 0 ? http::BodyLength{} : http::BodyLength{http::Framing::kLength, *bytes};
  }
  if (response.version == http::Version::kHttp2) answer.expect_trailers();
  if (!answer.begin_body(length)) {
    fail(http::Failure::kBadResponse);  // it does not fit, or holds what nobody may send
    return false;
  }
  result_.status = response.status;
  state_ = State::kAnswering;
  space_->body.start(response.body, {});
  return true;
}

bool UpstreamExchange::digest_body(std::string_view& received) {
  Answer& answer = plan_.client.answer();
  if (decoded_ > 0) {
    const std::size_t taken = answer.write(received.substr(0, decoded_));
    decoded_ -= taken;
    result_.body_bytes += taken;
    received.remove_prefix(taken);
    blocked_ = decoded_ > 0;
    return true;
  }
  if (space_->body.done()) return finish_body(received);
  if (received.empty()) return false;
  if (!answer.has_room(kTrailerRoom)) {
    blocked_ = true;
    return false;
  }
  const http::BodyDecoder::Step step = space_->body.decode(received);
  if (step.status == http::Parse::kFailed) {
    leave_connection({.failed = true});
    finish(http::Failure::kBadResponse);
    plan_.client.abort();
    return false;
  }
  if (!step.data.empty()) {
    decoded_ = step.data.size();
    return true;
  }
  received.remove_prefix(step.consumed);
  return step.consumed > 0 || step.status == http::Parse::kDone;
}

// The body is whole.
bool UpstreamExchange::finish_body(std::string_view rest) {
  Answer& answer = plan_.client.answer();
  const bool trailers = space_->response.body.framing == http::Framing::kChunked && !tunnel_;
  if (trailers)
    space_->body.trailers().remove_if(
        [this](const http::Field& field) { return !plan_.source->passes_answer_trailer(field); });
  if (!answer.end(trailers ? &space_->body.trailers() : nullptr) && !answer.end()) {
    blocked_ = true;
    return false;
  }
  // Bytes behind the answer belong to no request: whoever sent them is not believed again.
  const bool reusable = !tunnel_ && space_->response.keep_alive && request_sent_ && !send_failed_ &&
                        rest.empty() && !upstream_ended_ && !holds_unsent();
  connection_->set_last_was_large(space_->pipe != nullptr);
  leave_connection({.reusable = reusable, .failed = space_->response.status >= 500});
  finish(http::Failure::kNone);
  return false;
}

// A reset ends no body: not even one that lasts until the connection ends is whole then.
void UpstreamExchange::on_upstream_end(bool reset) {
  readable_ = false;
  upstream_ended_ = true;
  if (state_ == State::kAwaiting) {
    connection_->report_tls();
    fail(http::Failure::kUpstreamClosed);
    return;
  }
  if ((tunnel_ || !reset) && space_->body.end_of_input() == http::Parse::kDone) {
    finish_body({});
    return;
  }
  leave_connection({.failed = true});
  finish(http::Failure::kTruncatedBody);
  plan_.client.abort();
}

}  // namespace roundhouse::proxy
