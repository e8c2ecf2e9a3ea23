// The access log of an instance under test.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "base/json.h"
#include "support/instance.h"

namespace roundhouse::test {

using Lines = std::vector<std::string>;

inline std::string content(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

inline Lines lines_of(const std::string& text) {
  Lines lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// The lines of the file, once there are so many; each of them JSON.
inline std::vector<Json> wait_for(const std::string& path, std::size_t count) {
  EXPECT_TRUE(eventually([&] { return lines_of(content(path)).size() >= count; })) << content(path);
  std::vector<Json> records;
  for (const std::string& line : lines_of(content(path))) {
    const auto record = parse_json(line);
    EXPECT_TRUE(record) << line;
    records.push_back(record.value_or(Json::object()));
  }
  EXPECT_EQ(records.size(), count);
  return records;
}

// Of all workers; `what` is lines or dropped.
inline double counted(const Instance& instance, int workers, const std::string& what) {
  double all = 0;
  for (int worker = 1; worker <= workers; ++worker)
    all += instance.metric("roundhouse_access_log_" + what + "_total{pool=\"app\",worker=\"" +
                           std::to_string(worker) + "\"}");
  return all;
}

class WithAccessLog : public testing::Test {
 protected:
  // With the access log as JSON in log_path().
  Instance::Options options(const std::string& more = "") const {
    return {.log = "access: {format: json, to: '" + log_path() + "'" + more + "}"};
  }
  std::string log_path() const { return directory.path() + "/access.log"; }

  TemporaryDirectory directory;
};

}  // namespace roundhouse::test
