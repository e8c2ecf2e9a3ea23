#include "http/failure.h"

#include <gtest/gtest.h>

#include "http/message.h"

namespace roundhouse::http {
namespace {

TEST(Failure, EveryRowOwesAnErrorStatusAndASentence) {
  for (std::size_t i = 1; i < kFailureCount; ++i) {
    const FailureRow& row = row_of(static_cast<Failure>(i));
    EXPECT_FALSE(row.name.empty());
    EXPECT_GE(row.status, 400);
    EXPECT_LE(row.status, 505);
    // 499 is never sent: nobody is there to read it.
    if (row.failure != Failure::kClientGone) {
      EXPECT_NE(reason_phrase(row.status), "Unknown") << row.status;
    }
    EXPECT_TRUE(row.text.ends_with('.')) << row.text;
  }
}

}  // namespace
}  // namespace roundhouse::http
