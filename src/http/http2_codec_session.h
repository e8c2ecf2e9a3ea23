// The inside of Http2Codec: nghttp2, and what its callbacks leave behind.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "http/http2_codec.h"

namespace roundhouse::http {

inline constexpr std::size_t kHttp2FrameHeader = 9;

// As nghttp2 wants them; it does not change them.
inline std::uint8_t* http2_bytes(std::string_view text) {
  return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
}

// What callbacks are given is noted and nothing else is done inside them.
class Http2Codec::Session {
 public:
  Session(Role role, const Http2Limits& limits, Http2HeadPool& heads);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() { nghttp2_session_del(session_); }

  void receive(std::string_view bytes, Time now);
  std::optional<Http2Event> next_event();
  // Frames that wait, into the room: how many bytes.
  std::size_t send(std::span<char> room);
  Http2Stream* make_stream(std::int32_t id);
  void forget(Http2Stream& stream);
  void terminate(Http2Error error);
  // With those that were taken until now.
  void close();
  bool closes() const { return last_.has_value(); }
  // Behind what was written: with an empty frame, or with trailers.
  void end(Http2Stream& stream);
  void end_with(Http2Stream& stream, std::span<const Field> trailers);
  std::size_t window(const Http2Stream& stream) const;
  // What is asked of its user's streams goes to nghttp2 in these terms.
  void consume(Http2Stream& stream, std::size_t bytes);
  std::span<const nghttp2_nv> pairs(std::initializer_list<Field> first,
                                    std::span<const Field> fields);
  nghttp2_data_provider provider(Http2Stream& stream);

  nghttp2_session* nghttp2() const { return session_; }
  bool is_server() const { return role_ == Role::kServer; }
  std::size_t open() const { return open_; }
  std::optional<Http2Flood> flood() const { return flood_; }
  Http2Error error() const { return error_; }

 private:
  static Session& self(void* user) { return *static_cast<Session*>(user); }
  static void set_callbacks(nghttp2_session_callbacks* callbacks);
  void set_options(nghttp2_option* option) const;
  std::size_t continuations_max() const;
  Http2Stream* find(std::int32_t id) const;
  bool is_own(std::int32_t id) const;

  // 0, or the session is over.
  int take(Http2Flood kind);
  void push(Http2Event::Kind kind, Http2Stream& stream);
  int on_frame_begins(const nghttp2_frame_hd& header);
  int on_head_begins(const nghttp2_frame& frame);
  int on_field(const nghttp2_frame& frame, std::string_view name, std::string_view value);
  int on_invalid_field(const nghttp2_frame& frame);
  int on_frame(const nghttp2_frame& frame);
  int on_head(const nghttp2_frame& frame, Http2Stream& stream);
  int on_data(std::int32_t id, std::string_view data);
  void settle_window();
  void on_close(std::int32_t id, std::uint32_t error);
  int before_sent(const nghttp2_frame& frame) const;
  int on_sent(const nghttp2_frame& frame);
  bool end_without_window();
  void submit_early_trailers(Http2Stream& stream);
  ssize_t send_some(std::string_view bytes);
  ssize_t offer(Http2Stream& stream, std::size_t most, std::uint32_t& flags);
  int send_data(Http2Stream& stream, std::string_view header, std::size_t size);

  const Role role_;
  const Http2Limits limits_;
  Http2HeadPool& heads_;
  nghttp2_session* session_ = nullptr;
  Http2Budget budget_;
  std::vector<std::unique_ptr<Http2Stream>> streams_;  // all there ever were at once
  std::vector<Http2Stream*> free_;
  std::vector<Http2Stream*> retired_;  // free as soon as no event names them
  std::vector<Http2Event> events_;
  std::size_t next_event_ = 0;
  std::vector<Http2Stream*> ending_;  // whose last, empty frame waits
  std::vector<nghttp2_nv> pairs_;
  std::span<char> room_;  // of the send() that runs
  std::size_t sent_ = 0;
  std::size_t open_ = 0;
  std::size_t continuations_ = 0;  // of the head that comes
  std::size_t held_ = 0;           // of all streams
  std::size_t owed_ = 0;  // of these, bytes that are still missing in the connection's window
  std::optional<std::int32_t> last_;  // stream that is answered, once it is closed by agreement
  std::optional<Http2Flood> flood_;
  Http2Error error_ = Http2Error::kNone;
  bool broken_ = false;  // nothing is read any more
};

}  // namespace roundhouse::http
