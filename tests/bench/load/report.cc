#include "bench/load/report.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <sstream>

namespace roundhouse::bench {
namespace {

constexpr std::array<const char*, kOutcomes> kNames = {
    "answered", "refused", "connect_timeout", "connect_failed", "reset",
    "closed",   "short",   "wrong",           "timeout"};
constexpr unsigned kSubBits = 5;  // 32 buckets for each power of two

const char* name_of(Outcome outcome) { return kNames[static_cast<std::size_t>(outcome)]; }

std::size_t bucket_of(std::uint64_t value) {
  if (value < (1U << kSubBits)) return static_cast<std::size_t>(value);
  const auto shift = static_cast<unsigned>(std::bit_width(value)) - kSubBits - 1;
  return static_cast<std::size_t>(((shift + 1ULL) << kSubBits) +
                                  ((value >> shift) - (1ULL << kSubBits)));
}

std::uint64_t upper_bound_of(std::size_t bucket) {
  const std::uint64_t shift = bucket >> kSubBits;
  const std::uint64_t part = bucket & ((1U << kSubBits) - 1);
  if (shift == 0) return part;
  return (((1ULL << kSubBits) + part + 1) << (shift - 1)) - 1;
}

}  // namespace

void Latencies::add(Duration latency) {
  const auto us = static_cast<std::uint64_t>(std::max<std::int64_t>(
      0, std::chrono::duration_cast<std::chrono::microseconds>(latency).count()));
  ++buckets_[std::min(bucket_of(us), kBuckets - 1)];
  ++count_;
  max_ = std::max(max_, us);
}

std::uint64_t Latencies::quantile(double q) const {
  const double wanted = q * static_cast<double>(count_);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += buckets_[i];
    if (seen > 0 && static_cast<double>(seen) >= wanted) return std::min(upper_bound_of(i), max_);
  }
  return max_;
}

void Report::ended(Outcome outcome, Time begun, Time now, std::uint32_t worker_pid) {
  ++counts_[static_cast<std::size_t>(outcome)];
  if (outcome == Outcome::kAnswered) {
    const std::uint64_t before = latencies_.max();
    latencies_.add(now - begun);
    if (latencies_.max() > before) slowest_begun_ = seconds(begun - start_);
    if (worker_pid != 0) ++answers_by_worker_[worker_pid];
  } else if (failures_.size() < kFailuresKept) {
    failures_.push_back({outcome, seconds(begun - start_), seconds(now - start_)});
  }
}

std::uint64_t Report::failed() const {
  return std::accumulate(counts_.begin() + 1, counts_.end(), std::uint64_t{0});
}

std::string Report::to_json(Time now) const {
  const double elapsed = seconds(now - start_);
  std::ostringstream out;
  out << "{\"seconds\": " << elapsed << ", \"answered\": " << count(Outcome::kAnswered)
      << ", \"per_second\": " << static_cast<double>(count(Outcome::kAnswered)) / elapsed
      << ", \"failed\": " << failed() << ", \"connections\": " << connections_
      << ", \"resets_after_answer\": " << resets_after_answer_
      << ", \"idle_closed\": " << idle_closed_ << ",\n \"failures\": {";
  for (std::size_t i = 1; i < kOutcomes; ++i) {
    out << (i > 1 ? ", " : "") << '"' << kNames[i] << "\": " << counts_[i];
  }
  out << "},\n \"latency_us\": {\"p50\": " << latencies_.quantile(0.5)
      << ", \"p90\": " << latencies_.quantile(0.9) << ", \"p99\": " << latencies_.quantile(0.99)
      << ", \"p999\": " << latencies_.quantile(0.999) << ", \"max\": " << latencies_.max()
      << "},\n \"slowest_begun\": " << slowest_begun_ << ",\n \"answers_by_worker\": {";
  const char* separator = "";
  for (const auto& [pid, answers] : answers_by_worker_) {
    out << separator << '"' << pid << "\": " << answers;
    separator = ", ";
  }
  out << "},\n \"first_failures\": [";
  separator = "";
  for (const Failure& failure : failures_) {
    out << separator << "[\"" << name_of(failure.outcome) << "\", " << failure.begun << ", "
        << failure.ended << ']';
    separator = ", ";
  }
  out << "]}\n";
  return out.str();
}

}  // namespace roundhouse::bench
