#include "base/json.h"

#include <gtest/gtest.h>

namespace roundhouse {
namespace {

TEST(Json, KeepsTheOrderInWhichKeysWereWritten) {
  EXPECT_EQ(to_text(Json{{"zebra", 1}, {"ant", 2}}), R"({"zebra":1,"ant":2})");
}

TEST(Json, ThatIsMalformedIsNone) {
  EXPECT_EQ(parse_json("{\"a\":"), std::nullopt);
  EXPECT_EQ(parse_json(""), std::nullopt);
}

TEST(Json, ThatNestsADeepHoleIsReadAndDestroyed) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  EXPECT_TRUE(parse_json(deep).has_value());
}

TEST(Json, BytesThatAreNoUtf8DoNotMakeItFail) {
  EXPECT_EQ(to_text(Json("a\xff"
                         "b")),
            "\"a\xEF\xBF\xBD"
            "b\"");
}

TEST(Json, ControlCharactersAreEscaped) {
  EXPECT_EQ(to_text(Json("\x1b[31m\n")), R"("\u001b[31m\n")");
}

}  // namespace
}  // namespace roundhouse
