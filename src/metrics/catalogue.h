// Every metric, as rows: made from metrics.def.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace roundhouse::metrics {

enum class Kind { kCounter, kGauge, kHistogram };

// NOLINTBEGIN(readability-identifier-naming): these are the public names.
enum class Metric : std::size_t {
#define METRIC(kind, name, labels, help, types) name,
#include "metrics/metrics.def"
#undef METRIC
};
// NOLINTEND(readability-identifier-naming)

struct MetricRow {
  Kind kind;
  std::string_view name;    // with the prefix
  std::string_view labels;  // comma between them
  std::string_view help;
  std::string_view types;  // of workers that can tell it, comma between them; empty: not a worker's
};

// In the order of the table; indexed by Metric.
std::span<const MetricRow> catalogue();
inline const MetricRow& row_of(Metric metric) {
  return catalogue()[static_cast<std::size_t>(metric)];
}
// Whether a pool of this type has the metric. True for every type of pool where no worker is
// measured.
bool told_by(const MetricRow& row, std::string_view pool_type);

// The page docs/metrics.md.
std::string metrics_reference();

}  // namespace roundhouse::metrics
