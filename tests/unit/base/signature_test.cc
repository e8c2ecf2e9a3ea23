#include "base/signature.h"

#include <gtest/gtest.h>

namespace roundhouse {
namespace {

TEST(Signature, HangsOnKeyAndText) {
  const std::string key = new_signature_key();
  EXPECT_EQ(key.size(), 64U);
  EXPECT_NE(key, new_signature_key());
  EXPECT_EQ(signature_of(key, "a"), signature_of(key, "a"));
  EXPECT_EQ(signature_of(key, "a").size(), 32U);
  EXPECT_NE(signature_of(key, "a"), signature_of(key, "b"));
  EXPECT_NE(signature_of("k", "a").substr(0, 16), signature_of("k", "a").substr(16));
  EXPECT_NE(signature_of("k", "a"), signature_of("l", "a"));
  EXPECT_NE(signature_of("", "a"), signature_of("k", "a"));
  EXPECT_NE(signature_of(key, "a"), signature_of(new_signature_key(), "a"));
}

}  // namespace
}  // namespace roundhouse
