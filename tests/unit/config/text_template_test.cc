#include "config/text_template.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace roundhouse::config {
namespace {

std::string error_of(const char* text) {
  const auto parsed = TextTemplate::parse(text);
  return parsed ? "" : parsed.error();
}

TEST(TextTemplate, IsTextAndPlaceholdersInTurn) {
  const auto parsed = TextTemplate::parse("https://%{host}%{target}?a=%{header:X-A}").value();
  ASSERT_EQ(parsed.parts().size(), 5U);
  EXPECT_EQ(parsed.parts()[0].text, "https://");
  EXPECT_EQ(parsed.parts()[1].what, Placeholder::kHost);
  EXPECT_EQ(parsed.parts()[2].what, Placeholder::kTarget);
  EXPECT_EQ(parsed.parts()[3].text, "?a=");
  EXPECT_EQ(parsed.parts()[4].what, Placeholder::kHeader);
  EXPECT_EQ(parsed.parts()[4].text, "X-A");
  EXPECT_FALSE(parsed.is_constant());
}

TEST(TextTemplate, PercentTwiceIsPercent) {
  const auto parsed = TextTemplate::parse("100%% of %%{host} %a").value();
  ASSERT_EQ(parsed.parts().size(), 1U);
  EXPECT_EQ(parsed.parts()[0].text, "100% of %{host} %a");
  EXPECT_TRUE(parsed.is_constant());
}

TEST(TextTemplate, EveryNameIsKnown) {
  const auto names = placeholder_names();
  for (std::size_t i = 1; i < names.size(); ++i) {
    const auto what = static_cast<Placeholder>(i);
    const bool named = what == Placeholder::kHeader || what == Placeholder::kCookie;
    const std::string text = "%{" + std::string(names[i]) + (named ? ":x}" : "}");
    const auto parsed = TextTemplate::parse(text);
    ASSERT_TRUE(parsed) << text << " " << parsed.error();
    EXPECT_EQ(parsed->parts().at(0).what, what);
  }
}

TEST(TextTemplate, SaysWhatIsWrong) {
  EXPECT_EQ(error_of("a %{hots}"), "holds the unknown %{hots}, perhaps for %{host}");
  EXPECT_EQ(error_of("%{}"), "holds the unknown %{}");
  EXPECT_EQ(error_of("%{host"), "has a %{ that is not closed");
  EXPECT_EQ(error_of("%{header}"), "holds %{header} without a name behind a ':'");
  EXPECT_EQ(error_of("%{host:x}"), "holds %{host:x}, which takes no name");
  EXPECT_EQ(error_of("%{header:a b}"), "holds %{header:a b} with a name that is none");
}

}  // namespace
}  // namespace roundhouse::config
