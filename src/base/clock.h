// The clocks. Every timer and deadline is monotonic; the wall clock only stamps logs and metrics.
#pragma once

#include <chrono>
#include <cstdint>

namespace roundhouse {

using Clock =
    std::chrono::steady_clock;  // CLOCK_MONOTONIC: comparable between the processes of one machine
using Time = Clock::time_point;
using Duration = std::chrono::nanoseconds;

inline std::int64_t nanoseconds(Time time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}
inline Time time_from_nanoseconds(std::int64_t ns) { return Time(std::chrono::nanoseconds(ns)); }

inline double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

// Unix time in seconds; for log lines and *_timestamp_seconds only.
inline double wall_clock_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace roundhouse
