// Documents say what is there: what they mention exists, what the tables hold is documented.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <iterator>
#include <regex>

#include "tidy/source_tree.h"

namespace roundhouse::tidy {
namespace {

std::vector<std::string> all_matches(const std::string& text, const std::regex& pattern,
                                     int group) {
  return {std::sregex_token_iterator(text.begin(), text.end(), pattern, group),
          std::sregex_token_iterator()};
}

// Name of each row of an X-macro table: METRIC(kind, name, ...).
std::vector<std::string> metric_names() {
  static const std::regex row(R"(\nMETRIC\(\w+, (\w+),)");
  return all_matches(read("src/metrics/metrics.def"), row, 1);
}

TEST(Documents, EveryDocumentThatIsMentionedExists) {
  static const std::regex mention(R"(\bdocs/[A-Za-z0-9_./-]*[A-Za-z0-9])");
  std::vector<SourceFile> files = documents();
  std::ranges::copy_if(cpp_files(), std::back_inserter(files),
                       [](const SourceFile& file) { return !file.room().empty(); });
  for (const SourceFile& file : files) {
    for (const std::string& path : all_matches(file.text, mention, 0)) {
      EXPECT_TRUE(exists(path)) << file.path << " mentions " << path;
    }
  }
}

TEST(Documents, EveryRelativeLinkLeadsSomewhere) {
  static const std::regex link(R"(\]\(([^)#:]+)(#[^)]*)?\))");
  for (const SourceFile& file : documents()) {
    const std::filesystem::path folder = std::filesystem::path(file.path).parent_path();
    for (const std::string& target : all_matches(file.text, link, 1)) {
      EXPECT_TRUE(exists((folder / target).lexically_normal().string()))
          << file.path << " links to " << target;
    }
  }
}

bool is_declared(const std::string& type, const std::string& member) {
  const std::regex declaration("\\b(class|struct) " + type + "\\b[^;]*\\{");
  const std::regex use("\\b" + member + "\\b");
  return std::ranges::any_of(cpp_files(), [&](const SourceFile& file) {
    return !file.room().empty() && std::regex_search(file.code, declaration) &&
           std::regex_search(file.code, use);
  });
}

// "`Dispatcher::offer` (`edge/dispatcher.cc`)" leads a reader to the code, or is wrong.
TEST(Documents, EveryFunctionAndFileOfTheSourcesThatIsNamedExists) {
  static const std::regex function(R"(`([A-Z]\w+)::(\w+)`)");
  static const std::regex path(R"(`(?:src/)?([a-z]+/\w+\.(?:h|cc|def))`)");
  for (const SourceFile& file : documents()) {
    const std::vector<std::string> types = all_matches(file.text, function, 1);
    const std::vector<std::string> members = all_matches(file.text, function, 2);
    for (std::size_t i = 0; i < types.size(); ++i) {
      EXPECT_TRUE(is_declared(types[i], members[i]))
          << file.path << " names " << types[i] << "::" << members[i];
    }
    for (const std::string& name : all_matches(file.text, path, 1)) {
      EXPECT_TRUE(exists("src/" + name)) << file.path << " names " << name;
    }
  }
}

TEST(Documents, EveryDecisionSaysContextChoiceAndWhatWasGivenUp) {
  const std::vector<SourceFile> decisions = files_below({"docs/decisions"}, {".md"});
  EXPECT_FALSE(decisions.empty());
  for (const SourceFile& file : decisions) {
    for (const char* part : {"## Context", "## Choice", "## Given up"}) {
      EXPECT_NE(file.text.find(part), std::string::npos) << file.path << " lacks " << part;
    }
  }
}

TEST(Documents, EveryOptionIsDocumented) {
  static const std::regex row(R"(\n(?:RANGED|OPTION)\(\w+, ([a-z_.]+),)");
  const std::string page = read("docs/configuration.md");
  const std::vector<std::string> keys = all_matches(read("src/config/options.def"), row, 1);
  EXPECT_GT(keys.size(), 20U);
  for (const std::string& key : keys) EXPECT_NE(page.find(key), std::string::npos) << key;
}

TEST(Documents, EveryMetricIsDocumented) {
  const std::string page = read("docs/metrics.md");
  EXPECT_GT(metric_names().size(), 20U);
  for (const std::string& name : metric_names()) {
    EXPECT_NE(page.find("roundhouse_" + name), std::string::npos) << name;
  }
}

// The page lists exactly the fields that there are, in their order.
TEST(Documents, EveryFieldOfTheAccessLogIsDocumented) {
  static const std::regex name(R"re(\n    "(\w+)",)re");
  static const std::regex row(R"(\n\| `(\w+)` \|)");
  const std::vector<std::string> fields =
      all_matches(read("src/config/access_log_options.h"), name, 1);
  EXPECT_GT(fields.size(), 20U);
  EXPECT_EQ(all_matches(read("docs/access-log.md"), row, 1), fields);
}

// A query for a metric that does not exist shows an empty panel, or an alert that never rings.
TEST(Documents, EveryQueryAsksForMetricsThatExist) {
  static const std::regex use(R"(\broundhouse_(\w+?)(_bucket|_sum|_count)?\b)");
  const std::vector<std::string> known = metric_names();
  std::vector<SourceFile> files = files_below({"grafana", "docker"}, {".json", "rules.yml"});
  std::size_t uses = 0;
  for (const SourceFile& file : files) {
    for (const std::string& name : all_matches(file.text, use, 1)) {
      ++uses;
      EXPECT_NE(std::ranges::find(known, name), known.end()) << file.path << " asks for " << name;
    }
  }
  EXPECT_GT(uses, 20U);
}

// As the page shows it: "## It does not start" is #it-does-not-start.
std::string anchor_of(const std::string& heading) {
  std::string anchor;
  for (const char c : heading) {
    if (c == ' ') anchor += '-';
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-')
      anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return anchor;
}

TEST(Documents, EveryAlertAndPanelLeadsToAnEntryOfTheRunbook) {
  static const std::regex heading(R"(\n## ([^\n]+))");
  static const std::regex from_alert(R"re(runbook: "docs/runbook\.md#([^"]+)")re");
  static const std::regex from_panel(R"re("\$\{runbook\}#([^"]+)")re");
  std::vector<std::string> anchors;
  for (const std::string& title : all_matches(read("docs/runbook.md"), heading, 1))
    anchors.push_back(anchor_of(title));
  const std::string rules = read("docker/rules.yml");
  std::vector<std::string> wanted = all_matches(rules, from_alert, 1);
  EXPECT_EQ(wanted.size(), all_matches(rules, std::regex("- alert: "), 0).size());
  EXPECT_GT(wanted.size(), 20U);
  for (const std::string& one : all_matches(read("grafana/roundhouse.json"), from_panel, 1))
    wanted.push_back(one);
  for (const std::string& anchor : wanted)
    EXPECT_NE(std::ranges::find(anchors, anchor), anchors.end()) << anchor;
}

// `promtool test rules` says whether they ring; here, that none was forgotten.
TEST(Documents, EveryAlertHasATestThatItRingsAndOneThatItDoesNot) {
  static const std::regex alert(R"(- alert: (\w+))");
  const std::string tests = read("tests/prometheus/rules_test.yml");
  for (const std::string& name : all_matches(read("docker/rules.yml"), alert, 1)) {
    EXPECT_NE(tests.find("name: " + name + " rings\n"), std::string::npos) << name;
    EXPECT_NE(tests.find("name: " + name + " stays quiet\n"), std::string::npos) << name;
  }
}

// The lines of the runbook that say which metric shows a symptom; prefix left out there.
TEST(Documents, TheRunbookNamesMetricsThatExist) {
  static const std::regex use(
      R"(\b(?:worker|pool|listener|handoff|handoffs|fairness|access_log)_\w+)");
  const std::vector<std::string> known = metric_names();
  std::size_t uses = 0;
  for (const std::string& line : split_lines(read("docs/runbook.md"))) {
    if (!line.starts_with("- **Metric**")) continue;
    for (const std::string& name : all_matches(line, use, 0)) {
      ++uses;
      EXPECT_NE(std::ranges::find(known, name), known.end()) << name;
    }
  }
  EXPECT_GT(uses, 5U);
}

}  // namespace
}  // namespace roundhouse::tidy
