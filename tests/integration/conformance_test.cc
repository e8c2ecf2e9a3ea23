// The tables of tests/conformance, whole, on the real binary: what a raw request or a raw answer
// may do, and what it may not.
#include <gtest/gtest.h>

#include <cctype>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "conformance/table.h"
#include "conformance/trial.h"
#include "http/failure.h"
#include "support/instance.h"
#include "support/proxied.h"

namespace roundhouse::conformance {
namespace {

// A proxy in front of an origin, as it is by default: but it tries nothing twice, so that what one
// case does is seen, and leaves no endpoint alone.
class World {
 public:
  explicit World(bool impatient)
      : instance_(
            test::kOneProxy,
            test::upstream_at({origin_.address()},
                              std::string(", retries: {attempts: 0}, eject: {failures: 0}") +
                                  (impatient ? ", timeouts: {response: 300ms, idle: 300ms}" : "")),
            {.listener = "http2: false"}) {}

  void judge_case(const Case& one) {
    const Outcome outcome = play(one, origin_, instance_.web(), test::kPatience);
    for (const Difference& difference : judge(one, outcome))
      ADD_FAILURE() << one.where << ": " << one.name << ": " << difference.text
                    << "\n  what happened: " << describe(one, outcome);
    if (one.cause.empty()) return;
    const std::string body = outcome.answers.empty() ? "" : outcome.answers.back().body;
    EXPECT_NE(body.find(text_of(one.cause)), body.npos)
        << one.where << ": " << one.cause << " is not what was answered: " << body;
  }

 private:
  static std::string text_of(const std::string& cause) {
    for (std::size_t i = 0; i < http::kFailureCount; ++i) {
      const http::FailureRow& row = http::row_of(static_cast<http::Failure>(i));
      if (row.name == cause) return ": " + std::string(row.text) + "\n";
    }
    return "no row " + cause;
  }

  ScriptedOrigin origin_;
  test::Instance instance_;
};

std::vector<std::string> groups_of(const std::vector<Case>& cases) {
  std::vector<std::string> names;
  for (const Case& one : cases)
    if (names.empty() || names.back() != one.group) names.push_back(one.group);
  return names;
}

void judge_group(const std::vector<Case>& table, const std::string& group) {
  std::map<bool, std::unique_ptr<World>> worlds;
  for (const Case& one : table) {
    if (one.group != group) continue;
    std::unique_ptr<World>& world = worlds[one.impatient];
    if (world == nullptr) world = std::make_unique<World>(one.impatient);
    world->judge_case(one);
  }
}

class RawRequests : public testing::TestWithParam<std::string> {};
class RawAnswers : public testing::TestWithParam<std::string> {};

TEST_P(RawRequests, GetWhatTheyAreOwed) { judge_group(requests(), GetParam()); }
TEST_P(RawAnswers, GetWhatTheyAreOwed) { judge_group(responses(), GetParam()); }

std::string name_of_group(const testing::TestParamInfo<std::string>& info) {
  std::string name;
  bool upper = true;
  for (const char c : info.param) {
    const bool letter = std::isalnum(static_cast<unsigned char>(c)) != 0;
    if (letter) name += upper ? static_cast<char>(std::toupper(c)) : c;
    upper = !letter;
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Conformance, RawRequests, testing::ValuesIn(groups_of(requests())),
                         name_of_group);
INSTANTIATE_TEST_SUITE_P(Conformance, RawAnswers, testing::ValuesIn(groups_of(responses())),
                         name_of_group);

}  // namespace
}  // namespace roundhouse::conformance
