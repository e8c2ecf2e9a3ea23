#include "http/failure.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "http/failure_reference.h"
#include "http/message.h"

namespace roundhouse::http {
namespace {

TEST(Failures, EachHasANameOfItsOwnAndASentence) {
  std::set<std::string_view> names;
  for (std::size_t i = 1; i < kFailureCount; ++i) {
    const FailureRow& row = row_of(static_cast<Failure>(i));
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_TRUE(row.status >= 400 && row.status < 600) << row.name;
    EXPECT_TRUE(row.text.ends_with('.')) << row.name;
    EXPECT_TRUE(row.status == 499 || reason_phrase(row.status) != "Unknown") << row.name;
  }
}

TEST(Failures, ThePageInTheRepositoryIsThatOfTheTable) {
  std::stringstream page;
  page << std::ifstream(ROUNDHOUSE_SOURCE_DIR "/docs/failures.md").rdbuf();
  EXPECT_EQ(page.str(), failure_reference()) << "./dev generate writes it anew";
}

}  // namespace
}  // namespace roundhouse::http
