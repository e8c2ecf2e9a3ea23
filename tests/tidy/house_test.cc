// How a file looks: its size, its first line, its words.
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <set>

#include "tidy/source_tree.h"

namespace roundhouse::tidy {
namespace {

constexpr std::size_t kHeaderLines = 200;
constexpr std::size_t kSourceLines = 400;

// Words that say nothing about what a thing does, or that one of our own words replaces.
const std::set<std::string> kForbiddenWords = {"master", "slave", "frontend", "backend", "manager",
                                               "helper", "util",  "common",   "misc"};

// "std::common_type_t" is not ours to name; "kHTTPBackend_2" is the words http, backend and 2.
std::vector<std::string> words_of(const std::string& identifier) {
  std::vector<std::string> words(1);
  for (std::size_t i = 0; i < identifier.size(); ++i) {
    const bool upper = std::isupper(identifier[i]) != 0;
    const bool before_lower = i + 1 < identifier.size() && std::islower(identifier[i + 1]) != 0;
    const bool after_lower = i > 0 && std::islower(identifier[i - 1]) != 0;
    if (upper && (before_lower || after_lower)) words.emplace_back();
    if (std::isalnum(identifier[i]) == 0) {
      words.emplace_back();
    } else {
      words.back() += static_cast<char>(std::tolower(identifier[i]));
    }
  }
  return words;
}

std::string forbidden_word_in(const std::string& identifier) {
  for (std::string word : words_of(identifier)) {
    if (kForbiddenWords.contains(word)) return word;
    if (word.ends_with("s")) word.pop_back();
    if (kForbiddenWords.contains(word)) return word;
  }
  return "";
}

TEST(House, HeadersAndSourcesKeepTheirSize) {
  for (const SourceFile& file : cpp_files()) {
    if (file.path.ends_with(".def")) continue;  // a table is as long as what it lists
    const auto lines = static_cast<std::size_t>(std::ranges::count(file.text, '\n'));
    EXPECT_LE(lines, file.is_header() ? kHeaderLines : kSourceLines) << file.path;
  }
}

TEST(House, AHeaderOpensWithWhatItIs) {
  for (const SourceFile& file : cpp_files()) {
    if (!file.is_header()) continue;
    EXPECT_TRUE(file.text.starts_with("// ")) << file.path;
    EXPECT_NE(file.text.find("\n#pragma once\n"), std::string::npos) << file.path;
  }
}

TEST(House, NothingIsNamedByAWordThatSaysNothing) {
  static const std::regex identifier(R"((std::)?[A-Za-z_][A-Za-z0-9_]*)");
  for (const SourceFile& file : cpp_files()) {
    EXPECT_EQ(forbidden_word_in(file.path), "") << file.path;
    const std::vector<std::string> lines = split_lines(file.code);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      std::sregex_iterator found(lines[i].begin(), lines[i].end(), identifier);
      for (; found != std::sregex_iterator(); ++found) {
        if ((*found)[1].matched) continue;
        EXPECT_EQ(forbidden_word_in(found->str()), "") << file.path << ":" << i + 1;
      }
    }
  }
}

TEST(House, WordsAreFoundInsideIdentifiers) {
  EXPECT_EQ(forbidden_word_in("kHTTPBackend_2"), "backend");
  EXPECT_EQ(forbidden_word_in("string_utils"), "util");
  EXPECT_EQ(forbidden_word_in("isMaster"), "master");
  EXPECT_EQ(forbidden_word_in("mastered_utilisation"), "");
}

TEST(House, TablesAreFour) {
  const std::set<std::string> tables = {"options.def", "messages.def", "metrics.def",
                                        "failures.def", "openssl.def"};
  for (const SourceFile& file : cpp_files()) {
    if (!file.path.ends_with(".def")) continue;
    EXPECT_TRUE(tables.contains(file.path.substr(file.path.rfind('/') + 1))) << file.path;
  }
}

TEST(House, MacrosAreForChecksAndTables) {
  static const std::regex definition(R"(\n\s*#\s*define\b)");
  static const std::regex reads_table(R"re(\n#include "[a-z_/]+\.def")re");
  for (const SourceFile& file : cpp_files()) {
    const bool allowed = file.path == "src/base/check.h" || file.path == "src/base/error.h" ||
                         file.path.ends_with(".def") || std::regex_search(file.text, reads_table);
    if (allowed || !file.path.starts_with("src/")) continue;
    EXPECT_FALSE(std::regex_search(file.code, definition)) << file.path;
  }
}

TEST(House, NoTestIsSwitchedOffAndNothingIsLeftForLater) {
  static const std::regex left(R"(\b(DISABLED_\w+|GTEST_SKIP|TODO|FIXME|XXX)\b)");
  for (const SourceFile& file : cpp_files()) {
    if (file.path.starts_with("tests/tidy/")) continue;
    const std::vector<std::string> lines = split_lines(file.text);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      EXPECT_FALSE(std::regex_search(lines[i], left))
          << file.path << ":" << i + 1 << ": " << lines[i];
    }
  }
}

}  // namespace
}  // namespace roundhouse::tidy
