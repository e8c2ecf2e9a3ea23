#include "base/log.h"

#include <gtest/gtest.h>

namespace roundhouse::log {
namespace {

TEST(Log, LevelsAreNamedAsInTheConfiguration) {
  EXPECT_EQ(level_text(Format::kLogfmt, Level::kWarn), "level=warn ");
  EXPECT_EQ(level_text(Format::kJson, Level::kError), R"("level":"error",)");
  EXPECT_EQ(level_text(Format::kText, Level::kError), "");
}

TEST(Log, TextIsTheSentenceAlone) {
  EXPECT_EQ(format_payload(Format::kText, "worker_online", "edge 1, worker 2 (pid 3) is online",
                           {{"pool", "app"}}),
            "edge 1, worker 2 (pid 3) is online");
}

TEST(Log, LogfmtQuotesWhatNeedsIt) {
  EXPECT_EQ(
      format_payload(Format::kLogfmt, "worker_exited", "it died", {{"worker", 2}, {"why", "a b"}}),
      R"(event=worker_exited msg="it died" worker=2 why="a b")");
}

TEST(Log, JsonKeepsNumbersAsNumbers) {
  EXPECT_EQ(format_payload(Format::kJson, "e", "s", {{"n", 7}, {"t", "x"}}),
            R"("event":"e","msg":"s","n":7,"t":"x")");
}

TEST(Log, TextOfAPeerCannotBreakTheLine) {
  const std::string hostile = "a\r\nlevel=error \"\x01\x7f";
  for (const Format format : {Format::kText, Format::kLogfmt, Format::kJson}) {
    const std::string line = format_payload(format, "e", hostile, {{"k", hostile}});
    for (const char c : line) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << line;
  }
}

TEST(Log, ALineStaysBelowOnePipeWrite) {
  const std::string big(10'000, 'x');
  const std::string line = format_payload(Format::kLogfmt, "e", big,
                                          {{"a", big},
                                           {"b", big},
                                           {"c", big},
                                           {"d", big},
                                           {"e", big},
                                           {"f", big},
                                           {"g", big},
                                           {"h", big},
                                           {"i", big}});
  EXPECT_LE(line.size(), kMaxLine);
}

}  // namespace
}  // namespace roundhouse::log
