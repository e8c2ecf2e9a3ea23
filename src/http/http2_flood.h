// What one HTTP/2 connection may send of frames that cost us work and the other end nothing. Pure:
// told the time.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace roundhouse::http {

// Each kind has its own budget: a connection that uses frames for what they are for stays far below
// all of them.
enum class Http2Flood : std::uint8_t {
  kResets,         // RST_STREAM, and streams that we must reset for what was sent on them
  kPings,          // PING
  kSettings,       // SETTINGS
  kEmptyFrames,    // DATA without data and without END_STREAM
  kWindowUpdates,  // WINDOW_UPDATE beyond those that streams and data sent by us explain
  kPriorities,     // PRIORITY
  kContinuations,  // a head in too many pieces, or much longer than any that we would read
};
inline constexpr std::size_t kHttp2FloodCount = 7;
std::string_view name_of(Http2Flood flood);  // "resets": for logs and metrics

class Http2Budget {
 public:
  using Time = std::chrono::steady_clock::time_point;

  Http2Budget();
  void set_time(Time now) { now_ = now; }
  // False: there is none left of this kind.
  bool take(Http2Flood kind);
  // A stream was opened, or a piece of data sent: both are answered with some frames.
  void earn();

 private:
  struct Bucket {
    double left;
    Time filled{};
  };
  std::array<Bucket, kHttp2FloodCount> buckets_;
  Time now_{};
};

}  // namespace roundhouse::http
