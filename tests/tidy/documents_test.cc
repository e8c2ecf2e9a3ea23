// Documents say what is there: what they mention exists, what the tables hold is documented.
#include <gtest/gtest.h>

#include <algorithm>
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

// Name of each row of an X-macro table: METRIC(kind, name, ...) or OPTION("key", ...).
std::vector<std::string> rows_of(const std::string& table, const std::string& pattern) {
  return all_matches(read(table), std::regex("(?:^|\n)\\s*" + pattern), 1);
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
  const std::string page = read("docs/configuration.md");
  for (const std::string& key :
       rows_of("src/config/options.def", R"re((?:RANGED|OPTION)\(\w+,\s*([\w.]+),)re")) {
    EXPECT_NE(page.find(key), std::string::npos) << key;
  }
}

TEST(Documents, EveryMetricIsDocumented) {
  const std::string page = read("docs/metrics.md");
  for (const std::string& name :
       rows_of("src/metrics/metrics.def", R"re([A-Z_]+\(\s*\w+,\s*"?(\w+))re")) {
    EXPECT_NE(page.find(name), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace roundhouse::tidy
