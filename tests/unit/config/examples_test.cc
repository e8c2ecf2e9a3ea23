// The configurations that the documents show are right.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "world.h"

namespace roundhouse::config {
namespace {

TEST(Examples, OfMovingFromElsewhereAreAccepted) {
  std::size_t seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(ROUNDHOUSE_SOURCE_DIR) +
                                                               "/docs/examples/moving")) {
    const auto loaded = load_file(entry.path().string(), {}, surroundings());
    EXPECT_TRUE(loaded) << (loaded ? "" : loaded.error().message);
    ++seen;
  }
  EXPECT_EQ(seen, 3U);
}

}  // namespace
}  // namespace roundhouse::config
