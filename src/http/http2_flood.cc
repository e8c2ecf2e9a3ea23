#include "http/http2_flood.h"

#include <algorithm>

namespace roundhouse::http {
namespace {

struct Row {
  Http2Flood kind;
  std::string_view name;
  double burst;
  double per_second;
  double earned = 0;  // for a stream, or a piece of data sent
};

// A browser may drop all its streams at once when its user goes elsewhere; programs that keep
// connections alive send a PING every few seconds. Those of gRPC measure the bandwidth with one
// that goes out when data comes in, and the next when that is answered: as often as there are round
// trips.
constexpr Row kRows[] = {
    {Http2Flood::kResets, "resets", 300, 50},
    {Http2Flood::kPings, "pings", 50, 5, 1},
    {Http2Flood::kSettings, "settings", 20, 1},
    {Http2Flood::kEmptyFrames, "empty_frames", 100, 10},
    {Http2Flood::kWindowUpdates, "window_updates", 500, 50, 4},
    {Http2Flood::kPriorities, "priorities", 300, 50, 4},
    {Http2Flood::kContinuations, "continuations", 0, 0},
};
static_assert(std::size(kRows) == kHttp2FloodCount);

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
  for (const Row& row : kRows) {
    if (row.earned == 0) continue;
    double& left = buckets_[static_cast<std::size_t>(row.kind)].left;
    left = std::min(left + row.earned, row.burst * kEarnedMax);
  }
}

}  // namespace roundhouse::http
