// One HTTP/2 codec whose other end is a test that writes the frames itself.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "http/http2_codec.h"
#include "support/http2_frames.h"

namespace roundhouse::http {

namespace h2 = test::h2;
using Role = Http2Codec::Role;

inline std::string name_of(Http2Error error) {
  switch (error) {
    case Http2Error::kNone:
      return "NO_ERROR";
    case Http2Error::kProtocol:
      return "PROTOCOL_ERROR";
    case Http2Error::kInternal:
      return "INTERNAL_ERROR";
    case Http2Error::kFlowControl:
      return "FLOW_CONTROL_ERROR";
    case Http2Error::kStreamClosed:
      return "STREAM_CLOSED";
    case Http2Error::kRefusedStream:
      return "REFUSED_STREAM";
    case Http2Error::kCancel:
      return "CANCEL";
    case Http2Error::kEnhanceYourCalm:
      return "ENHANCE_YOUR_CALM";
  }
  return "error " + std::to_string(static_cast<std::uint32_t>(error));
}

// "GOAWAY 0 last 1 PROTOCOL_ERROR", "DATA 1 'abc' END"
inline std::string text_of(const h2::Frame& frame) {
  static constexpr const char* kNames[] = {
      "DATA",         "HEADERS", "PRIORITY", "RST_STREAM",    "SETTINGS",
      "PUSH_PROMISE", "PING",    "GOAWAY",   "WINDOW_UPDATE", "CONTINUATION"};
  const auto error_at = [&](std::size_t offset) {
    return " " + name_of(static_cast<Http2Error>(frame.number_at(offset)));
  };
  std::string text = std::string(kNames[frame.type]) + " " + std::to_string(frame.stream);
  const bool ends = frame.has(h2::kEndStream);
  switch (frame.type) {
    case h2::kData:
      return text + " '" + frame.payload + (ends ? "' END" : "'");
    case h2::kHeaders:
      return text + (ends ? " END" : "");
    case h2::kRstStream:
      return text + error_at(0);
    case h2::kGoaway:
      return text + " last " + std::to_string(frame.number_at(0)) + error_at(4);
    case h2::kWindowUpdate:
      return text + " " + std::to_string(frame.number_at(0));
    case h2::kSettings:
    case h2::kPing:
      return text + (frame.has(h2::kAck) ? " ACK" : "");
    default:
      return text;
  }
}

// What came and what went is told as text, " | " between, since it was last asked for.
class Wire {
 public:
  using Time = Http2Codec::Time;
  static constexpr std::size_t kFieldsMax = 1000;

  // Both prefaces are over.
  explicit Wire(Role role, const Http2Limits& limits = {}, std::string_view settings = {})
      : codec(role, limits, heads_) {
    if (role == Role::kServer) hear(std::string(kHttp2Preface));
    hear(h2::settings(settings) + h2::settings_ack());
    sent();
    told_.clear();
  }

  void hear(const std::string& bytes) {
    codec.receive(bytes, now);
    take_events();
  }
  void hear_byte_by_byte(const std::string& bytes) {
    for (const char byte : bytes) hear(std::string(1, byte));
  }
  // Events. DATA that came is not consumed.
  std::string told() { return std::exchange(told_, {}); }
  // Frames, all that wait.
  std::string said() {
    std::string text;
    for (const h2::Frame& frame : sent()) text += (text.empty() ? "" : " | ") + text_of(frame);
    return text;
  }
  std::vector<h2::Frame> sent() {
    std::array<char, 4096> room;
    while (const std::size_t size = codec.produce(room)) out_.append(room.data(), size);
    take_events();
    if (out_.starts_with(kHttp2Preface)) out_.erase(0, kHttp2Preface.size());
    std::vector<h2::Frame> frames;
    while (auto frame = h2::take_frame(out_)) frames.push_back(*std::move(frame));
    return frames;
  }
  // Into a room of that size; what was produced is part of what said() tells.
  Http2Codec::Written write(std::int32_t id, std::string_view data, bool ends,
                            std::size_t room = 65536) {
    std::string bytes(room, '\0');
    const auto written = codec.write(stream(id), data, ends, bytes);
    out_.append(bytes, 0, written.produced);
    take_events();
    return written;
  }
  Http2Stream* open(bool ended, std::string_view method = "GET") {
    Http2Stream* const stream = codec.request({.method = method,
                                               .scheme = "http",
                                               .authority = "a",
                                               .path = "/",
                                               .fields = {},
                                               .ended = ended});
    if (stream != nullptr) streams_[stream->id()] = stream;
    return stream;
  }
  Http2Stream& stream(std::int32_t id) { return *streams_.at(id); }
  const Http2Head& head() const { return *head_; }  // the last one
  Http2Head& head() { return *head_; }
  std::size_t given() const { return given_; }  // bytes of data
  void be_silent_about_data() { quiet_ = true; }

 private:
  Http2HeadPool heads_{kFieldsMax};

 public:
  Http2Codec codec;
  Time now{std::chrono::hours(1)};

 private:
  void tell(const std::string& text) { told_ += (told_.empty() ? "" : " | ") + text; }
  void take_events() {
    while (auto event = codec.next_event()) take(*std::move(event));
  }
  void take(Http2Event event) {
    using Kind = Http2Event::Kind;
    if (event.kind == Kind::kGoAway) {
      tell("goaway " + name_of(event.error));
      return;
    }
    const std::string id = std::to_string(event.stream->id());
    switch (event.kind) {
      case Kind::kHead:
        streams_[event.stream->id()] = event.stream;
        tell("head " + id +
             (event.head->status.empty() ? "" : " " + std::string(event.head->status)));
        break;
      case Kind::kTrailers:
        tell("trailers " + id);
        break;
      case Kind::kData:
        given_ += event.data.size();
        if (!quiet_) tell("data " + id + " '" + std::string(event.data) + "'");
        break;
      case Kind::kEnd:
        tell("end " + id);
        break;
      case Kind::kClosed:
        streams_.erase(event.stream->id());
        tell("closed " + id + " " + name_of(event.error));
        break;
      case Kind::kGoAway:
        break;
    }
    if (event.head != nullptr) {
      if (head_ != nullptr) heads_.release(std::move(head_));
      head_ = std::move(event.head);
    }
  }

  std::string out_;
  std::string told_;
  std::map<std::int32_t, Http2Stream*> streams_;
  std::unique_ptr<Http2Head> head_;
  std::size_t given_ = 0;
  bool quiet_ = false;
};

}  // namespace roundhouse::http
