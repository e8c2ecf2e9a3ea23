#include "net/signature.h"

#include <gtest/gtest.h>

namespace roundhouse {
namespace {

TEST(Signature, IsHmacSha256) {  // RFC 4231, test case 2
  EXPECT_EQ(signature_of("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c7");
}

TEST(Signature, HangsOnKeyAndText) {
  const std::string key = new_signature_key();
  EXPECT_EQ(key.size(), 64U);
  EXPECT_NE(key, new_signature_key());
  EXPECT_EQ(signature_of(key, "a"), signature_of(key, "a"));
  EXPECT_NE(signature_of(key, "a"), signature_of(key, "b"));
  EXPECT_NE(signature_of(key, "a"), signature_of(new_signature_key(), "a"));
}

}  // namespace
}  // namespace roundhouse
