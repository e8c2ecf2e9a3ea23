#include "base/keyed_hash.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace roundhouse {
namespace {

// The key of the paper's example: the bytes 0 to 15.
constexpr HashKey kKey = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

std::vector<std::uint8_t> counting(std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  std::iota(bytes.begin(), bytes.end(), 0);
  return bytes;
}

TEST(KeyedHash, AgreesWithThePublishedVectors) {
  EXPECT_EQ(keyed_hash(kKey, counting(0)), 0x726fdb47dd0e0e31);
  EXPECT_EQ(keyed_hash(kKey, counting(8)), 0x93f5f5799a932462);
  EXPECT_EQ(keyed_hash(kKey, counting(15)), 0xa129ca6149be45e5);
}

TEST(KeyedHash, AnotherKeyIsAnotherHash) {
  EXPECT_NE(keyed_hash({1, 2}, counting(4)), keyed_hash({1, 3}, counting(4)));
}

}  // namespace
}  // namespace roundhouse
