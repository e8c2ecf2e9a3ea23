#include "http/http2_codec_session.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace roundhouse::http {
namespace {

// Pieces of a head behind the first (RFC 9113 6.10): of 16 KiB each, if they are honest, and some
// more of a head that is too long and is to be told so.
constexpr std::size_t kContinuationsMin = 8;
constexpr std::size_t kContinuationBytes = 16384;
// Of a head that we send: far beyond what can be made here. One beyond that would never leave.
constexpr std::size_t kHeadSentMax = 16 * 1024 * std::size_t{1024};
// Answers to PING and SETTINGS that wait to be sent.
constexpr std::size_t kAnswersMax = 1000;
// As in the text of nghttp2, whose own limit must never be the first.
constexpr std::uint64_t kResetsUnlimited = 1U << 30;

std::string_view text(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

Http2Codec::Session::Session(Role role, const Http2Limits& limits, Http2HeadPool& heads)
    : role_(role), limits_(limits), heads_(heads) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_option* option = nullptr;
  CHECK(nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&option) == 0);
  set_callbacks(callbacks);
  set_options(option);
  const int made = is_server() ? nghttp2_session_server_new2(&session_, callbacks, this, option)
                               : nghttp2_session_client_new2(&session_, callbacks, this, option);
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  CHECK(made == 0);
  std::vector<nghttp2_settings_entry> settings = {
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.stream_window},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(limits.head.head_bytes)}};
  if (is_server()) {
    settings.push_back({NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.streams});
    settings.push_back({NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1});
  } else {
    settings.push_back({NGHTTP2_SETTINGS_ENABLE_PUSH, 0});
  }
  CHECK(nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size()) ==
        0);
  CHECK(nghttp2_session_set_local_window_size(
            session_, NGHTTP2_FLAG_NONE, 0, static_cast<std::int32_t>(limits.session_window)) == 0);
}

std::size_t Http2Codec::Session::continuations_max() const {
  return kContinuationsMin + limits_.head.head_bytes / kContinuationBytes;
}

void Http2Codec::Session::set_options(nghttp2_option* option) const {
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_option_set_max_outbound_ack(option, kAnswersMax);
  // It counts each piece of a frame's header that comes by itself. On frames that it ignores there
  // is no other limit.
  nghttp2_option_set_max_continuations(option, kHttp2FrameHeader * (continuations_max() + 1));
  nghttp2_option_set_max_send_header_block_length(option, kHeadSentMax);
  nghttp2_option_set_stream_reset_rate_limit(option, kResetsUnlimited, kResetsUnlimited);
}

void Http2Codec::Session::set_callbacks(nghttp2_session_callbacks* callbacks) {
  nghttp2_session_callbacks_set_on_begin_frame_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame_hd* header, void* user) {
        return self(user).on_frame_begins(*header);
      });
  nghttp2_session_callbacks_set_on_begin_headers_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
        return self(user).on_head_begins(*frame);
      });
  nghttp2_session_callbacks_set_on_header_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                    std::uint8_t, void* user) {
        return self(user).on_field(*frame, text(name, name_size), text(value, value_size));
      });
  nghttp2_session_callbacks_set_on_invalid_header_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t*, std::size_t,
                    const std::uint8_t*, std::size_t, std::uint8_t,
                    void* user) { return self(user).on_invalid_field(*frame); });
  nghttp2_session_callbacks_set_on_frame_recv_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
        return self(user).on_frame(*frame);
      });
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
      callbacks,
      [](nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data,
         std::size_t size, void* user) { return self(user).on_data(id, text(data, size)); });
  nghttp2_session_callbacks_set_on_stream_close_callback(
      callbacks, [](nghttp2_session*, std::int32_t id, std::uint32_t error, void* user) {
        self(user).on_close(id, error);
        return 0;
      });
  nghttp2_session_callbacks_set_before_frame_send_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
        return self(user).before_sent(*frame);
      });
  nghttp2_session_callbacks_set_on_frame_send_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
        return self(user).on_sent(*frame);
      });
  nghttp2_session_callbacks_set_send_callback(
      callbacks, [](nghttp2_session*, const std::uint8_t* data, std::size_t size, int, void* user) {
        return self(user).send_some(text(data, size));
      });
  nghttp2_session_callbacks_set_send_data_callback(
      callbacks, [](nghttp2_session*, nghttp2_frame*, const std::uint8_t* header, std::size_t size,
                    nghttp2_data_source* source, void* user) {
        return self(user).send_data(*static_cast<Http2Stream*>(source->ptr),
                                    text(header, kHttp2FrameHeader), size);
      });
}

Http2Stream* Http2Codec::Session::find(std::int32_t id) const {
  return static_cast<Http2Stream*>(nghttp2_session_get_stream_user_data(session_, id));
}

Http2Stream* Http2Codec::Session::make_stream(std::int32_t id) {
  if (free_.empty()) {
    streams_.push_back(std::unique_ptr<Http2Stream>(new Http2Stream(id)));
    free_.push_back(streams_.back().get());
  }
  Http2Stream* const stream = free_.back();
  free_.pop_back();
  *stream = Http2Stream(id);
  ++open_;
  return stream;
}

// One that never came to be.
void Http2Codec::Session::forget(Http2Stream& stream) {
  free_.push_back(&stream);
  --open_;
}

void Http2Codec::Session::receive(std::string_view bytes, Time now) {
  if (broken_) return;
  budget_.set_time(now);
  const ssize_t taken = nghttp2_session_mem_recv(session_, http2_bytes(bytes), bytes.size());
  if (taken >= 0) return;
  if (taken == NGHTTP2_ERR_FLOODED) flood_ = Http2Flood::kPings;
  if (taken == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS) flood_ = Http2Flood::kContinuations;
  terminate(flood_ ? Http2Error::kEnhanceYourCalm : Http2Error::kProtocol);
}

void Http2Codec::Session::close() {
  if (last_) return;
  last_ = nghttp2_session_get_last_proc_stream_id(session_);
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, *last_, NGHTTP2_NO_ERROR, nullptr, 0);
}

void Http2Codec::Session::terminate(Http2Error error) {
  broken_ = true;
  nghttp2_session_terminate_session(session_, static_cast<std::uint32_t>(error));
}

std::optional<Http2Event> Http2Codec::Session::next_event() {
  while (next_event_ < events_.size()) {
    Http2Event event = std::move(events_[next_event_++]);
    if (event.stream == nullptr) return event;
    Http2Stream& stream = *event.stream;
    const bool closes = event.kind == Http2Event::Kind::kClosed;
    // Nobody has seen it: nobody need hear of it.
    const bool unseen = stream.closed_ && !stream.shown_;
    if (closes) retired_.push_back(&stream);
    if (unseen || (stream.reset_ && !closes)) {
      if (event.head != nullptr) heads_.release(std::move(event.head));
      continue;
    }
    stream.shown_ = true;
    return event;
  }
  events_.clear();
  next_event_ = 0;
  free_.insert(free_.end(), retired_.begin(), retired_.end());
  retired_.clear();
  return std::nullopt;
}

void Http2Codec::Session::push(Http2Event::Kind kind, Http2Stream& stream) {
  events_.push_back({.kind = kind, .stream = &stream});
}

int Http2Codec::Session::take(Http2Flood kind) {
  if (budget_.take(kind)) return 0;
  flood_ = kind;
  return NGHTTP2_ERR_CALLBACK_FAILURE;
}

// Each stream that we opened can be reset once: how many there are is ours.
bool Http2Codec::Session::is_own(std::int32_t id) const {
  return !is_server() && find(id) != nullptr;
}

int Http2Codec::Session::on_frame_begins(const nghttp2_frame_hd& header) {
  const bool answers = (header.flags & NGHTTP2_FLAG_ACK) != 0;
  switch (header.type) {
    case NGHTTP2_HEADERS:
      continuations_ = 0;
      return 0;
    case NGHTTP2_CONTINUATION:
      if (++continuations_ <= continuations_max()) return 0;
      flood_ = Http2Flood::kContinuations;
      return NGHTTP2_ERR_CALLBACK_FAILURE;
    case NGHTTP2_RST_STREAM:
      return is_own(header.stream_id) ? 0 : take(Http2Flood::kResets);
    case NGHTTP2_PRIORITY:
      if (header.stream_id == 0) return NGHTTP2_ERR_CALLBACK_FAILURE;  // nghttp2 ignores it
      return take(Http2Flood::kPriorities);
    case NGHTTP2_SETTINGS:
      return answers ? 0 : take(Http2Flood::kSettings);
    case NGHTTP2_PING:
      return answers ? 0 : take(Http2Flood::kPings);
    case NGHTTP2_WINDOW_UPDATE:
      return take(Http2Flood::kWindowUpdates);
    default:
      return 0;  // of those that mean nothing to it nghttp2 does not tell, and does nothing
  }
}

int Http2Codec::Session::on_head_begins(const nghttp2_frame& frame) {
  if (frame.hd.type != NGHTTP2_HEADERS) return 0;
  Http2Stream* stream = find(frame.hd.stream_id);
  if (stream == nullptr && is_server() && frame.headers.cat == NGHTTP2_HCAT_REQUEST) {
    // It has come behind close(): what the client is about to be told refuses it.
    if (last_ && frame.hd.stream_id > *last_) return 0;
    budget_.earn();
    stream = make_stream(frame.hd.stream_id);
    nghttp2_session_set_stream_user_data(session_, frame.hd.stream_id, stream);
  }
  if (stream != nullptr) stream->incoming_ = heads_.acquire(limits_.head);
  return 0;
}

int Http2Codec::Session::on_field(const nghttp2_frame& frame, std::string_view name,
                                  std::string_view value) {
  Http2Stream* const stream = find(frame.hd.stream_id);
  if (stream == nullptr || stream->incoming_ == nullptr || stream->incoming_->add(name, value))
    return 0;
  flood_ = Http2Flood::kContinuations;
  return NGHTTP2_ERR_CALLBACK_FAILURE;
}

// nghttp2 would only drop it.
int Http2Codec::Session::on_invalid_field(const nghttp2_frame& frame) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, frame.hd.stream_id,
                            NGHTTP2_PROTOCOL_ERROR);
  return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

int Http2Codec::Session::on_frame(const nghttp2_frame& frame) {
  if (frame.hd.type == NGHTTP2_GOAWAY) {
    events_.push_back({.kind = Http2Event::Kind::kGoAway,
                       .error = static_cast<Http2Error>(frame.goaway.error_code)});
    return 0;
  }
  if (frame.hd.type != NGHTTP2_HEADERS && frame.hd.type != NGHTTP2_DATA) return 0;
  Http2Stream* const stream = find(frame.hd.stream_id);
  if (stream == nullptr) return 0;
  if (frame.hd.type == NGHTTP2_HEADERS) return on_head(frame, *stream);
  if ((frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
    push(Http2Event::Kind::kEnd, *stream);
  else if (frame.hd.length == frame.data.padlen)
    return take(Http2Flood::kEmptyFrames);
  return 0;
}

int Http2Codec::Session::on_head(const nghttp2_frame& frame, Http2Stream& stream) {
  if (stream.incoming_ == nullptr) return 0;
  const bool ended = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  const bool is_request = frame.headers.cat == NGHTTP2_HCAT_REQUEST;
  stream.incoming_->finish(ended);
  // Of a response nghttp2 says HEADERS of a final head behind an interim one, and of trailers.
  const bool trailers = !is_request && stream.incoming_->status.empty();
  push(trailers ? Http2Event::Kind::kTrailers : Http2Event::Kind::kHead, stream);
  events_.back().head = std::move(stream.incoming_);
  if (ended) push(Http2Event::Kind::kEnd, stream);
  return 0;
}

int Http2Codec::Session::on_data(std::int32_t id, std::string_view data) {
  Http2Stream* const stream = find(id);
  owed_ += data.size();
  if (stream != nullptr) {
    stream->held_ += data.size();
    held_ += data.size();
  }
  settle_window();
  if (stream == nullptr) return 0;
  push(Http2Event::Kind::kData, *stream);
  events_.back().data = data;
  return 0;
}

// While not too much is held the connection's window is given back at once.
void Http2Codec::Session::settle_window() {
  const std::size_t kept = held_ > limits_.session_window ? held_ - limits_.session_window : 0;
  if (owed_ <= kept) return;
  nghttp2_session_consume_connection(session_, owed_ - kept);
  owed_ = kept;
}

void Http2Codec::Session::consume(Http2Stream& stream, std::size_t bytes) {
  stream.held_ -= bytes;
  held_ -= bytes;
  settle_window();
  nghttp2_session_consume_stream(session_, stream.id(), bytes);
}

void Http2Codec::Session::on_close(std::int32_t id, std::uint32_t error) {
  Http2Stream* const stream = find(id);
  if (stream == nullptr) return;
  if (stream->incoming_ != nullptr) heads_.release(std::move(stream->incoming_));
  nghttp2_session_set_stream_user_data(session_, id, nullptr);
  std::erase(ending_, stream);
  stream->closed_ = true;
  held_ -= stream->held_;
  settle_window();
  --open_;
  push(Http2Event::Kind::kClosed, *stream);
  const bool unseen = !is_server() && !stream->begun_ && !stream->reset_;
  events_.back().error = unseen ? Http2Error::kRefusedStream : static_cast<Http2Error>(error);
}

// More than one side may have found a reason to reset a stream: it is done once. One that is
// refused has never been there.
int Http2Codec::Session::before_sent(const nghttp2_frame& frame) const {
  const bool again = frame.hd.type == NGHTTP2_RST_STREAM &&
                     frame.rst_stream.error_code != NGHTTP2_REFUSED_STREAM &&
                     nghttp2_session_find_stream(session_, frame.hd.stream_id) == nullptr;
  return again ? NGHTTP2_ERR_CANCEL : 0;
}

int Http2Codec::Session::on_sent(const nghttp2_frame& frame) {
  if (frame.hd.type == NGHTTP2_GOAWAY) {
    error_ = static_cast<Http2Error>(frame.goaway.error_code);
    return 0;
  }
  Http2Stream* const stream = find(frame.hd.stream_id);
  if (frame.hd.type == NGHTTP2_RST_STREAM) {
    const bool for_what_came =
        frame.rst_stream.error_code != NGHTTP2_NO_ERROR && (stream == nullptr || !stream->reset_);
    // An error here would have nghttp2 send this frame for ever: send() sees to it.
    if (for_what_came && !is_own(frame.hd.stream_id)) take(Http2Flood::kResets);
    return 0;
  }
  if (stream != nullptr && frame.hd.type == NGHTTP2_HEADERS) stream->begun_ = true;
  const bool ends = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 &&
                    (frame.hd.type == NGHTTP2_DATA || frame.hd.type == NGHTTP2_HEADERS);
  if (frame.hd.type == NGHTTP2_DATA) budget_.earn();
  if (stream == nullptr) return 0;
  if (!stream->early_trailers_.empty()) submit_early_trailers(*stream);
  if (!ends) return 0;
  stream->ended_ = true;
  // RFC 9113 8.1: a client need not send the rest of a request that is answered.
  if (is_server() && nghttp2_session_get_stream_remote_close(session_, frame.hd.stream_id) == 0)
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, frame.hd.stream_id, NGHTTP2_NO_ERROR);
  return 0;
}

}  // namespace roundhouse::http
