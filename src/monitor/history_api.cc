#include "monitor/history_api.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace roundhouse::monitor {
namespace {

using ipc::HistorySample;

struct Series {
  const char* name;
  float HistorySample::* value;
};
constexpr Series kSeries[] = {
    {"requests_per_second", &HistorySample::requests_per_second},
    {"errors_per_second", &HistorySample::errors_per_second},
    {"connections_per_second", &HistorySample::connections_per_second},
    {"connections", &HistorySample::connections},
    {"p50_seconds", &HistorySample::p50_seconds},
    {"p99_seconds", &HistorySample::p99_seconds},
    {"handoff_p99_seconds", &HistorySample::handoff_p99_seconds},
};

// Four digits are what a chart can show; null for what cannot be told.
Json rounded(double value) {
  if (std::isnan(value)) return nullptr;
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return std::strtod(text, nullptr);
}

double at_of(const HistorySample& sample) { return std::round(sample.at * 10) / 10; }

Json worker_series(const std::vector<HistorySample>& samples, std::size_t place,
                   float ipc::WorkerLoad::* value) {
  Json list = Json::array();
  for (const HistorySample& sample : samples) list.push_back(rounded(sample.workers[place].*value));
  return list;
}

Json ring_of(const ipc::HistoryBoard& board, ipc::HistoryStep step, int seconds) {
  const std::vector<HistorySample> samples = board.samples(step);
  Json json{{"seconds", seconds}, {"at", Json::array()}};
  for (const HistorySample& sample : samples) json["at"].push_back(at_of(sample));
  for (const Series& series : kSeries) {
    Json list = Json::array();
    for (const HistorySample& sample : samples) list.push_back(rounded(sample.*series.value));
    json[series.name] = std::move(list);
  }
  json["workers"] = Json::object();
  const auto names = board.workers();
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty()) continue;
    json["workers"][printable(names[i])] = {
        {"requests_per_second", worker_series(samples, i, &ipc::WorkerLoad::requests_per_second)},
        {"cpu_percent", worker_series(samples, i, &ipc::WorkerLoad::cpu_percent)}};
  }
  return json;
}

}  // namespace

Json history(const ipc::HistoryBoard& board) {
  return {{"fine", ring_of(board, ipc::HistoryStep::kFine, 1)},
          {"coarse", ring_of(board, ipc::HistoryStep::kCoarse, 10)}};
}

Json newest_sample(const ipc::HistoryBoard& board) {
  const std::vector<HistorySample> samples = board.samples(ipc::HistoryStep::kFine);
  if (samples.empty()) return nullptr;
  Json json{{"at", at_of(samples.back())}};
  for (const Series& series : kSeries) json[series.name] = rounded(samples.back().*series.value);
  return json;
}

Json event(const ipc::Event& event, Viewer viewer) {
  Json json{{"sequence", event.sequence},
            {"at", event.at},
            {"kind", to_string(event.kind)},
            {"level", to_string(event.level)},
            {"subject", event.subject},
            {"pid", event.pid != 0 ? Json(event.pid) : Json(nullptr)},
            {"text", event.text}};
  if (viewer == Viewer::kOperator) json["detail"] = event.detail;
  return json;
}

Json events(const ipc::HistoryBoard& board, std::uint64_t after, Viewer viewer) {
  const std::uint64_t last = board.last_event();
  Json list = Json::array();
  for (const ipc::Event& found : board.events(after > last ? 0 : after))
    list.push_back(event(found, viewer));
  return {{"last", last}, {"events", std::move(list)}};
}

std::uint64_t after_of(std::string_view query) {
  std::uint64_t after = 0;
  if (!query.starts_with("after=")) return after;
  query.remove_prefix(6);
  std::from_chars(query.data(), query.data() + query.size(), after);
  return after;
}

}  // namespace roundhouse::monitor
