#include "http/http2_flood.h"

#include <algorithm>

namespace roundhouse::http {
namespace {

struct Row {
  Http2Flood kind;
  std::string_view name;
  double burst;
  double per_second;
};

// A browser may drop all its streams at once when its user goes elsewhere; programs that keep
// connections alive send a PING every few seconds.
constexpr Row kRows[] = {
    {Http2Flood::kResets, "resets", 300, 50},
    {Http2Flood::kPings, "pings", 50, 5},
    {Http2Flood::kSettings, "settings", 20, 1},
    {Http2Flood::kEmptyFrames, "empty_frames", 100, 10},
    {Http2Flood::kWindowUpdates, "window_updates", 500, 50},
    {Http2Flood::kPriorities, "priorities", 300, 50},
    {Http2Flood::kContinuations, "continuations", 0, 0},
};
static_assert(std::size(kRows) == kHttp2FloodCount);

constexpr double kEarned = 4;      // frames for a stream or a piece of data
constexpr double kEarnedMax = 10;  // times the burst

}  // namespace

std::string_view name_of(Http2Flood flood) { return kRows[static_cast<std::size_t>(flood)].name; }

Http2Budget::Http2Budget() {
  for (std::size_t i = 0; i < kHttp2FloodCount; ++i) buckets_[i].left = kRows[i].burst;
}

bool Http2Budget::take(Http2Flood kind) {
  const Row& row = kRows[static_cast<std::size_t>(kind)];
  Bucket& bucket = buckets_[static_cast<std::size_t>(kind)];
  const std::chrono::duration<double> passed = now_ - bucket.filled;
  bucket.filled = now_;
  if (bucket.left < row.burst)
    bucket.left = std::min(row.burst, bucket.left + passed.count() * row.per_second);
  if (bucket.left < 1) return false;
  bucket.left -= 1;
  return true;
}

void Http2Budget::earn() {
  for (const Http2Flood kind : {Http2Flood::kWindowUpdates, Http2Flood::kPriorities}) {
    double& left = buckets_[static_cast<std::size_t>(kind)].left;
    left = std::min(left + kEarned, kRows[static_cast<std::size_t>(kind)].burst * kEarnedMax);
  }
}

}  // namespace roundhouse::http
