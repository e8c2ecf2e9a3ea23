#include "http/path.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace roundhouse::http {
namespace {

constexpr std::string_view kRefused = "refused";

std::string normal(std::string_view path) {
  std::vector<char> out(path.size());
  const auto answer = normalise_path(path, out);
  return std::string(answer.value_or(kRefused));
}

struct Case {
  std::string_view path;
  std::string_view normal;
};

TEST(Path, HasOneNormalForm) {
  for (const Case& one : std::vector<Case>{
           {"/", "/"},
           {"/a/b", "/a/b"},
           {"/a/b/", "/a/b/"},
           {"//a///b", "/a/b"},
           {"/a/./b", "/a/b"},
           {"/a/.", "/a/"},
           {"/a/../b", "/b"},
           {"/a/b/..", "/a/"},
           {"/a//../b", "/b"},
           {"/a/%2e%2E/b", "/b"},
           {"/%61%2Db%7e", "/a-b~"},
           {"/a/...", "/a/..."},
           {"/a/.b", "/a/.b"},
           {"/a;x=1/..;/b", "/a;x=1/..;/b"},
       }) {
    EXPECT_EQ(normal(one.path), one.normal) << one.path;
  }
}

TEST(Path, KeepsAnEscapedDelimiterEscapedInUpperCase) {
  EXPECT_EQ(normal("/a%2fb"), "/a%2Fb");
  EXPECT_EQ(normal("/a/%2e%2e%2fb"), "/a/..%2Fb");
  EXPECT_EQ(normal("/%c3%a4%3f"), "/%C3%A4%3F");
  EXPECT_EQ(normal("/%252e%252e/"), "/%252e%252e/") << "decoded once only";
}

TEST(Path, RefusesWhatLeavesTheRoot) {
  for (const std::string_view path : {"/..", "/../a", "/a/../..", "/a/%2e%2e/%2e%2e/b", "//.."})
    EXPECT_EQ(normal(path), kRefused) << path;
}

TEST(Path, RefusesBrokenAndDangerousEscapes) {
  for (const std::string_view path : {"/%", "/%4", "/a%zz", "/%00", "/a%0d%0ab", "/a%0A"})
    EXPECT_EQ(normal(path), kRefused) << path;
}

TEST(Path, IsNormalOnceNormalised) {
  for (const std::string_view path : {"//a/%2e/b%2f/../c%7E", "/a/b/../../", "/%25%41"}) {
    const std::string once = normal(path);
    EXPECT_EQ(normal(once), once) << path;
  }
}

}  // namespace
}  // namespace roundhouse::http
