#include "config/document.h"

#include <gtest/gtest.h>

#include "world.h"

namespace roundhouse::config {
namespace {

std::string problem_of(std::string_view text) {
  Problems problems;
  parse_document(text, problems);
  if (problems.empty()) return "";
  const Problem& first = problems.front();
  return std::to_string(first.at.line) + ":" + std::to_string(first.at.column) + ": " + first.what;
}

TEST(Document, KeepsTheOrderTheRepetitionsAndThePlaceOfEachKeyAndValue) {
  Problems problems;
  const Node root = parse_document("b: 1\na: [x, 'y']\nb:\n  c: \"z\"\n", problems);
  ASSERT_TRUE(problems.empty());
  ASSERT_EQ(root.entries.size(), 3U);
  EXPECT_EQ(root.entries[0].key, "b");
  EXPECT_EQ(root.entries[0].value.at, (Position{1, 4}));
  EXPECT_EQ(root.entries[1].value.items.at(1).text, "y");
  EXPECT_EQ(root.entries[1].value.items.at(1).at, (Position{2, 8}));
  EXPECT_EQ(root.entries[2].at, (Position{3, 1}));
  EXPECT_EQ(root.entries[2].value.entries.at(0).at, (Position{4, 3}));
}

TEST(Document, NothingAtAllIsNothing) {
  for (const char* text : {"", "\n\n", "# only a comment\n", "---\n", "~", "null"}) {
    Problems problems;
    EXPECT_EQ(parse_document(text, problems).type, Node::Type::kNull) << text;
    EXPECT_TRUE(problems.empty()) << text;
  }
}

TEST(Document, AnAliasStandsForWhatItNames) {
  Problems problems;
  const Node root = parse_document("a: &x {k: [1, 2]}\nb: *x\n", problems);
  ASSERT_TRUE(problems.empty());
  EXPECT_EQ(root.entries.at(1).value.entries.at(0).value.items.size(), 2U);
}

TEST(Document, AnAliasBombIsRefusedAtItsPlaceAndAtOnce) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int j = 0; j < 8; ++j) bomb += ", " + last;
    bomb += "]\n";
  }
  EXPECT_NE(problem_of(bomb).find("too much content; expected at most"), std::string::npos)
      << problem_of(bomb);

  std::string long_text = "a: &a " + std::string(500'000, 'x') + "\nb: [";
  for (int i = 0; i < 1000; ++i) long_text += "*a, ";
  EXPECT_NE(problem_of(long_text + "]").find("too much content"), std::string::npos);

  std::string key_bomb = "a: &a\n";
  for (int i = 0; i < 60; ++i)
    key_bomb += "  " + std::string(900, 'k') + std::to_string(i) + ": 1\n";
  key_bomb += "b: [";
  for (int i = 0; i < 1000; ++i) key_bomb += "*a, ";
  EXPECT_NE(problem_of(key_bomb + "]").find("too much content"), std::string::npos)
      << problem_of(key_bomb + "]");
}

TEST(Document, AnAliasOfItselfIsRefused) {
  EXPECT_EQ(problem_of("a: &x [*x]"), "1:8: an alias inside of what it stands for");
}

TEST(Document, DeepNestingIsRefusedAtItsPlace) {
  EXPECT_EQ(problem_of(std::string(16, '[') + std::string(16, ']')), "");
  EXPECT_EQ(problem_of(std::string(17, '[') + std::string(17, ']')),
            "1:17: nested too deeply; expected at most 16 levels");
  for (const char* opening : {"[", "{", "- ", "{a: ", "? "}) {
    std::string deep;
    for (int i = 0; i < 100'000; ++i) deep += opening;
    EXPECT_NE(problem_of(deep), "") << opening;
  }
  EXPECT_NE(problem_of("a: &a [[[[[[[[1]]]]]]]]\nb: &b [[[[[[[[*a]]]]]]]]\n"), "");
}

TEST(Document, AnOversizedFileIsRefused) {
  EXPECT_EQ(problem_of(std::string(kMaxDocumentBytes + 1, ' ')), "0:0: is larger than 1 MiB");
}

TEST(Document, SyntaxErrorsHaveTheirPlace) {
  EXPECT_EQ(problem_of("a: [1, 2\nb: 3\n").substr(0, 2), "2:");
  EXPECT_EQ(problem_of("a: 'x\nb: 1\n"), "4:1: not valid YAML: a quoted text is not closed");
  EXPECT_EQ(problem_of("a: \"x"), "2:1: not valid YAML: a quoted text is not closed");
  EXPECT_EQ(problem_of("a: 1\n...\n"), "");
  EXPECT_EQ(problem_of("a: |\n  x\n"), "");
  EXPECT_EQ(problem_of("a: b: c\n").substr(0, 4), "1:5:");
  EXPECT_EQ(problem_of("a: *x\n").substr(0, 2), "1:");
  EXPECT_EQ(problem_of("a: @x\n").substr(0, 2), "1:");
}

TEST(Document, ATabIsNamedAsTheReason) {
  EXPECT_EQ(problem_of("pools:\n\tapp:\n\t\tworkers: 2\n"),
            "2:1: a tab; expected spaces: YAML is not indented with tabs");
  EXPECT_EQ(problem_of("pools:\n  app:\n  \tworkers: 2\n"),
            "3:3: a tab; expected spaces: YAML is not indented with tabs");
}

TEST(Document, KeysAreTextAndThereIsOneDocument) {
  EXPECT_EQ(problem_of("? [a]\n: b\n"), "1:3: a list or map as a key; expected text");
  EXPECT_EQ(problem_of("~: b\n"), "1:1: an empty key; expected text");
  EXPECT_EQ(problem_of("a: 1\n---\nb: 2\n").substr(5), "has a second document; expected one");
}

TEST(Document, ThePlacesOfProblemsReachTheOperator) {
  EXPECT_EQ(errors_of("pools:\n\ta: 1\n"),
            "t.yaml:2:1: a tab; expected spaces: YAML is not indented with tabs");
  EXPECT_EQ(errors_of("[a]"),
            "t.yaml:1:1: is a list; expected a map with keys such as listeners and pools");
}

}  // namespace
}  // namespace roundhouse::config
