// What a scraper is told of a snapshot.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <string>

#include "metrics/exporter.h"

namespace roundhouse::metrics {

// The text as a scraper sees it: series with its labels -> value as written.
inline std::map<std::string, std::string> series_of(const std::string& text) {
  std::map<std::string, std::string> series;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("#")) continue;
    const auto space = line.rfind(' ');
    EXPECT_TRUE(series.emplace(line.substr(0, space), line.substr(space + 1)).second) << line;
  }
  return series;
}

inline std::map<std::string, std::string> scrape(const Snapshot& snapshot) {
  return series_of(exposition(snapshot));
}

}  // namespace roundhouse::metrics
