// What came of all requests: counts by outcome, latencies, who answered.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"

namespace roundhouse::bench {

// What became of one request, as its client saw it. Everything but kAnswered is a failure.
enum class Outcome : std::uint8_t {
  kAnswered,
  kRefused,         // ECONNREFUSED
  kConnectTimeout,  // no SYN-ACK in time
  kConnectFailed,   // another error of connect, of this machine
  kReset,           // RST after the connection stood, before any byte of the answer
  kClosed,          // end of file before any byte of the answer
  kShort,           // RST or end of file within the answer
  kWrong,           // another status, no length, another body, or bytes behind it
  kTimeout,         // connected, but no whole answer in time
};
inline constexpr std::size_t kOutcomes = 9;

// Latencies in microseconds; buckets of 1/32 of a power of two, so at most 3 % too high.
class Latencies {
 public:
  void add(Duration latency);
  // Upper bound of the bucket that holds the quantile, at most the maximum; 0 if there is none.
  std::uint64_t quantile(double q) const;
  std::uint64_t max() const { return max_; }

 private:
  static constexpr std::size_t kBuckets = 32 * 40;
  std::array<std::uint64_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

class Report {
 public:
  explicit Report(Time start) : start_(start) {}

  void connected() { ++connections_; }
  // `worker_pid`: who answered; 0: not known.
  void ended(Outcome outcome, Time begun, Time now, std::uint32_t worker_pid = 0);
  // The server reset a connection behind a whole answer; no failure, but not polite.
  void reset_after_answer() { ++resets_after_answer_; }
  // The server closed an idle connection; no failure.
  void idle_closed() { ++idle_closed_; }

  std::uint64_t count(Outcome outcome) const { return counts_[static_cast<std::size_t>(outcome)]; }
  std::uint64_t failed() const;
  const Latencies& latencies() const { return latencies_; }
  std::uint64_t resets_after_answers() const { return resets_after_answer_; }
  std::string to_json(Time now) const;

 private:
  struct Failure {
    Outcome outcome;
    double begun;  // seconds from the start
    double ended;
  };
  static constexpr std::size_t kFailuresKept = 200;

  Time start_;
  std::array<std::uint64_t, kOutcomes> counts_{};
  std::uint64_t connections_ = 0;
  std::uint64_t resets_after_answer_ = 0;
  std::uint64_t idle_closed_ = 0;
  Latencies latencies_;
  double slowest_begun_ = 0;  // seconds from the start
  std::map<std::uint32_t, std::uint64_t> answers_by_worker_;
  std::vector<Failure> failures_;
};

}  // namespace roundhouse::bench
