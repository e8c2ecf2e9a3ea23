#include "edge/node_hints.h"

#include <gtest/gtest.h>

namespace roundhouse::edge {
namespace {

TEST(NodeHint, AProgramThatForksIsToldThatTheEdgeIsThePrimary) {
  for (const char* text : {"TypeError: cluster.fork is not a function\n    at x.js:3:9",
                           "TypeError: cluster.setupPrimary is not a function"})
    EXPECT_NE(node_hint(text).find("the edge is the primary"), std::string_view::npos) << text;
}

TEST(NodeHint, AFullHeapIsNamed) {
  EXPECT_NE(node_hint("FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of "
                      "memory")
                .find("recycle.memory"),
            std::string_view::npos);
}

TEST(NodeHint, OfAnythingElseNothingIsSaid) {
  EXPECT_EQ(node_hint("TypeError: x is not a function"), "");
  EXPECT_EQ(node_hint(""), "");
}

}  // namespace
}  // namespace roundhouse::edge
