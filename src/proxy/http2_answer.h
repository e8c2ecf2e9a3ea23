// One HTTP/2 response on its way into a stream (RFC 9113 8.1).
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/http2_codec.h"
#include "http/message.h"
#include "net/pipe.h"
#include "proxy/answer.h"

namespace roundhouse::proxy {

// Where heads are written, one at a time: none outlives the call in which it was begun.
struct HeadSpace {
  explicit HeadSpace(std::size_t bytes) : text(bytes) {}
  std::vector<char> text;
  std::vector<http::Field> fields;
};

// The connection behind the answers of its streams.
class StreamOutlet {
 public:
  virtual http::Http2Codec& codec() = 0;
  virtual HeadSpace& head_space() = 0;
  // As much of `data` as the client's windows and the room to send allow now.
  virtual http::Http2Codec::Written write(http::Http2Stream& stream, std::string_view data,
                                          bool ends) = 0;
  // How much that would be, without sending.
  virtual std::size_t room(const http::Http2Stream& stream) const = 0;

 protected:
  ~StreamOutlet() = default;
};

// The last piece of a body of known length carries the end of the stream.
class Http2Answer final : public Answer {
 public:
  // All of them must outlive the answer; `date_line` is a whole field line.
  void start(StreamOutlet& outlet, http::Http2Stream& stream, const http::Request& request,
             std::string_view date_line);
  // done(), but some of it still waits for room: flush_rest() when there is some.
  bool holds_rest() const { return !rest_.empty(); }
  void flush_rest();

  bool end_interim() override;
  // Its bytes always need framing.
  std::size_t write_from(Pipe& pipe) override;
  bool goes_as_it_is() const override { return false; }

 private:
  std::span<char> head_room() override { return outlet_->head_space().text; }
  bool send_head() override;
  bool send_tunnel_head() override { return false; }  // RFC 9113 8.6: there is no 101
  std::size_t body_room() const override { return outlet_->room(*stream_); }
  std::size_t write_body(std::string_view data) override;
  bool end_body(const http::FieldTable* trailers) override;
  // What has no room is kept here.
  bool has_room_for_whole(std::size_t /*body*/) const override { return true; }
  void write_whole(std::string_view body) override;

  std::span<const http::Field> fields() const;

  StreamOutlet* outlet_ = nullptr;
  http::Http2Stream* stream_ = nullptr;
  std::string rest_;  // of a whole answer
  bool ended_ = false;
};

}  // namespace roundhouse::proxy
