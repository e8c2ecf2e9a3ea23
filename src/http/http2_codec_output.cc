// What an HTTP/2 connection sends: into the room of the caller, from the views of streams.
#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "http/http2_codec_session.h"

namespace roundhouse::http {

std::size_t Http2Codec::Session::send(std::span<char> room) {
  room_ = room;
  sent_ = 0;
  const int outcome = nghttp2_session_send(session_);
  if ((outcome != 0 || flood_) && !broken_) {
    terminate(flood_ ? Http2Error::kEnhanceYourCalm : Http2Error::kInternal);
    nghttp2_session_send(session_);
  } else if (end_without_window()) {
    nghttp2_session_send(session_);
  }
  room_ = {};
  return sent_;
}

void Http2Codec::Session::end(Http2Stream& stream) {
  if (stream.ending_ || stream.last_made_) return;
  stream.ending_ = true;
  ending_.push_back(&stream);
  nghttp2_session_resume_data(session_, stream.id());
}

// An empty DATA frame needs no window (RFC 9113 6.9.1), but nghttp2 waits for one. Trailers that
// are empty end an answer as well: no client keeps it open with a window that stays shut. Of
// requests some servers take no trailers at all.
bool Http2Codec::Session::end_without_window() {
  if (!is_server()) return false;
  bool ended = false;
  std::erase_if(ending_, [&](Http2Stream* stream) {
    if (stream->last_made_) return true;
    if (window(*stream) > 0) return false;
    stream->last_made_ = true;
    ended = true;
    nghttp2_submit_trailer(session_, stream->id(), nullptr, 0);
    return true;
  });
  return ended;
}

void Http2Codec::Session::end_with(Http2Stream& stream, std::span<const Field> trailers) {
  stream.last_made_ = true;
  if (nghttp2_session_find_stream(session_, stream.id()) == nullptr) {
    for (const Field& field : trailers)
      stream.early_trailers_.emplace_back(field.name, field.value);
    return;
  }
  const auto fields = pairs({}, trailers);
  nghttp2_submit_trailer(session_, stream.id(), fields.data(), fields.size());
}

// The head has gone out: nghttp2 takes no trailers before.
void Http2Codec::Session::submit_early_trailers(Http2Stream& stream) {
  std::vector<Field> trailers;
  trailers.reserve(stream.early_trailers_.size());
  for (const auto& [name, value] : stream.early_trailers_)
    trailers.push_back({.name = name, .value = value});
  end_with(stream, trailers);
  stream.early_trailers_.clear();
}

// Not below 0, which it may well be (RFC 9113 6.9.2).
std::size_t Http2Codec::Session::window(const Http2Stream& stream) const {
  if (stream.closed_) return 0;
  std::int32_t of_stream = nghttp2_session_get_stream_remote_window_size(session_, stream.id());
  if (of_stream < 0 && nghttp2_session_find_stream(session_, stream.id()) == nullptr)
    of_stream = static_cast<std::int32_t>(nghttp2_session_get_remote_settings(
        session_, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE));  // its head has not gone out yet
  const std::int32_t of_session = nghttp2_session_get_remote_window_size(session_);
  return static_cast<std::size_t>(std::max(0, std::min(of_stream, of_session)));
}

ssize_t Http2Codec::Session::send_some(std::string_view bytes) {
  const std::size_t size = std::min(bytes.size(), room_.size() - sent_);
  if (size == 0) return NGHTTP2_ERR_WOULDBLOCK;
  std::memcpy(room_.data() + sent_, bytes.data(), size);
  sent_ += size;
  return static_cast<ssize_t>(size);
}

// What of its view goes into the next frame: never more than there is room for, so that a frame
// which has begun is always sent whole.
ssize_t Http2Codec::Session::offer(Http2Stream& stream, std::size_t most, std::uint32_t& flags) {
  const std::size_t room = room_.size() - sent_;
  const bool ends = stream.ends_ || stream.ending_;
  if (stream.last_made_ || (stream.view_.empty() && !ends)) return NGHTTP2_ERR_DEFERRED;
  if (!stream.view_.empty() && room <= kHttp2FrameHeader) return NGHTTP2_ERR_DEFERRED;
  const std::size_t size =
      stream.view_.empty() ? 0 : std::min({most, stream.view_.size(), room - kHttp2FrameHeader});
  if (ends && size == stream.view_.size()) {
    flags |= NGHTTP2_DATA_FLAG_EOF;
    stream.last_made_ = true;
  }
  if (size > 0) flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  return static_cast<ssize_t>(size);
}

int Http2Codec::Session::send_data(Http2Stream& stream, std::string_view header, std::size_t size) {
  CHECK(size <= stream.view_.size() && header.size() + size <= room_.size() - sent_);
  std::memcpy(room_.data() + sent_, header.data(), header.size());
  std::memcpy(room_.data() + sent_ + header.size(), stream.view_.data(), size);
  sent_ += header.size() + size;
  stream.view_.remove_prefix(size);
  return 0;
}

nghttp2_data_provider Http2Codec::Session::provider(Http2Stream& stream) {
  nghttp2_data_provider provider{};
  provider.source.ptr = &stream;
  provider.read_callback = [](nghttp2_session*, std::int32_t, std::uint8_t*, std::size_t most,
                              std::uint32_t* flags, nghttp2_data_source* source, void* user) {
    return self(user).offer(*static_cast<Http2Stream*>(source->ptr), most, *flags);
  };
  return provider;
}

std::span<const nghttp2_nv> Http2Codec::Session::pairs(std::initializer_list<Field> first,
                                                       std::span<const Field> fields) {
  pairs_.clear();
  const auto add = [this](const Field& field) {
    pairs_.push_back({.name = http2_bytes(field.name),
                      .value = http2_bytes(field.value),
                      .namelen = field.name.size(),
                      .valuelen = field.value.size(),
                      .flags = NGHTTP2_NV_FLAG_NONE});
  };
  std::ranges::for_each(first, add);
  std::ranges::for_each(fields, add);
  return pairs_;
}

}  // namespace roundhouse::http
