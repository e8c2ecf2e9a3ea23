#include "http/http2_codec.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/check.h"
#include "http/http2_codec_session.h"

namespace roundhouse::http {
namespace {

// Until a server has said how many streams it takes.
constexpr std::uint32_t kStreamsPresumed = 100;

}  // namespace

Http2Codec::Http2Codec(Role role, const Http2Limits& limits, Http2HeadPool& heads)
    : session_(std::make_unique<Session>(role, limits, heads)) {}

Http2Codec::~Http2Codec() = default;

void Http2Codec::receive(std::string_view bytes, Time now) { session_->receive(bytes, now); }
std::optional<Http2Event> Http2Codec::next_event() { return session_->next_event(); }
std::optional<Http2Flood> Http2Codec::flood() const { return session_->flood(); }
Http2Error Http2Codec::error() const { return session_->error(); }
std::size_t Http2Codec::streams() const { return session_->open(); }

bool Http2Codec::finished() const {
  nghttp2_session* const nghttp2 = session_->nghttp2();
  return nghttp2_session_want_read(nghttp2) == 0 && nghttp2_session_want_write(nghttp2) == 0;
}

bool Http2Codec::has_output() const { return nghttp2_session_want_write(session_->nghttp2()) != 0; }

bool Http2Codec::may_open() const {
  nghttp2_session* const nghttp2 = session_->nghttp2();
  const std::uint32_t allowed =
      nghttp2_session_get_remote_settings(nghttp2, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  // "Without limit" stands for "not known yet" too.
  const std::uint32_t most = allowed > kStreamsPresumed * 100 ? kStreamsPresumed : allowed;
  return !session_->closes() && nghttp2_session_check_request_allowed(nghttp2) != 0 &&
         session_->open() < most;
}

void Http2Codec::answer(Http2Stream& stream, int status, std::span<const Field> fields,
                        bool ended) {
  if (stream.closed_) return;
  std::array<char, 3> digits;
  CHECK(std::to_chars(digits.begin(), digits.end(), status).ptr == digits.end());
  const Field first{.name = ":status", .value = {digits.data(), digits.size()}};
  const auto pairs = session_->pairs({first}, fields);
  nghttp2_session* const nghttp2 = session_->nghttp2();
  if (status < 200) {
    nghttp2_submit_headers(nghttp2, NGHTTP2_FLAG_NONE, stream.id(), nullptr, pairs.data(),
                           pairs.size(), nullptr);
    return;
  }
  const nghttp2_data_provider body = session_->provider(stream);
  nghttp2_submit_response(nghttp2, stream.id(), pairs.data(), pairs.size(),
                          ended ? nullptr : &body);
}

Http2Stream* Http2Codec::request(const RequestHead& head) {
  if (!may_open()) return nullptr;
  const Field method{.name = ":method", .value = head.method};
  const Field scheme{.name = ":scheme", .value = head.scheme};
  const Field path{.name = ":path", .value = head.path};
  const Field authority{.name = ":authority", .value = head.authority};
  const auto pairs = head.authority.empty()
                         ? session_->pairs({method, scheme, path}, head.fields)
                         : session_->pairs({method, scheme, path, authority}, head.fields);
  Http2Stream* const stream = session_->make_stream(0);
  const nghttp2_data_provider body = session_->provider(*stream);
  const std::int32_t id =
      nghttp2_submit_request(session_->nghttp2(), nullptr, pairs.data(), pairs.size(),
                             head.ended ? nullptr : &body, stream);
  if (id < 0) {
    session_->forget(*stream);
    return nullptr;
  }
  stream->id_ = id;
  stream->shown_ = true;
  return stream;
}

Http2Codec::Written Http2Codec::write(Http2Stream& stream, std::string_view data, bool ends,
                                      std::span<char> room) {
  if (stream.closed_ || stream.reset_) return {.taken = data.size(), .produced = 0, .ended = ends};
  if (data.empty() && ends) session_->end(stream);
  stream.view_ = data;
  stream.ends_ = ends;
  nghttp2_session_resume_data(session_->nghttp2(), stream.id());
  const std::size_t produced = session_->send(room);
  const std::size_t taken = data.size() - stream.view_.size();
  stream.view_ = {};
  stream.ends_ = false;
  return {.taken = taken, .produced = produced, .ended = stream.ended_};
}

void Http2Codec::end(Http2Stream& stream, std::span<const Field> trailers) {
  if (stream.closed_ || stream.reset_) return;
  if (trailers.empty())
    session_->end(stream);
  else
    session_->end_with(stream, trailers);
}

void Http2Codec::reset(Http2Stream& stream, Http2Error error) {
  if (stream.closed_ || stream.reset_) return;
  stream.reset_ = true;
  nghttp2_submit_rst_stream(session_->nghttp2(), NGHTTP2_FLAG_NONE, stream.id(),
                            static_cast<std::uint32_t>(error));
}

void Http2Codec::consume(Http2Stream& stream, std::size_t bytes) {
  if (stream.closed_ || bytes == 0) return;
  session_->consume(stream, bytes);
}

std::size_t Http2Codec::window(const Http2Stream& stream) const { return session_->window(stream); }

void Http2Codec::announce_close() { nghttp2_submit_shutdown_notice(session_->nghttp2()); }

void Http2Codec::close(Http2Error error) {
  if (error == Http2Error::kNone)
    session_->close();
  else
    session_->terminate(error);
}

std::size_t Http2Codec::produce(std::span<char> room) { return session_->send(room); }

}  // namespace roundhouse::http
