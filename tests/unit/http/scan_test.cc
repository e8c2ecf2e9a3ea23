#include "http/scan.h"

#include <gtest/gtest.h>

#include <vector>

namespace roundhouse::http {
namespace {

using Skip = const char* (*)(const char*, const char*);

// Every byte value at every place of runs that the vector loop takes once, twice and not at all.
void expect_agrees_with_the_table(Skip skip_fast, ByteClass wanted, char filler) {
  for (const std::size_t size : {1u, 15u, 16u, 17u, 33u, 48u}) {
    std::vector<char> bytes(size, filler);
    const char* const begin = bytes.data();
    const char* const end = begin + size;
    for (std::size_t at = 0; at < size; ++at) {
      for (int value = 0; value < 256; ++value) {
        bytes[at] = static_cast<char>(value);
        ASSERT_EQ(skip_fast(begin, end) - begin, skip(wanted, begin, end) - begin)
            << "byte " << value << " at " << at << " of " << size;
      }
      bytes[at] = filler;
    }
  }
}

TEST(Scan, TheVectorLoopsStopWhereTheTableDoes) {
  expect_agrees_with_the_table(skip_token, kTokenByte, 'a');
  expect_agrees_with_the_table(skip_token, kTokenByte, '_');
  expect_agrees_with_the_table(skip_target, kTargetByte, '/');
  expect_agrees_with_the_table(skip_value, kValueByte, ' ');
  expect_agrees_with_the_table(skip_value, kValueByte, '\t');
  expect_agrees_with_the_table(skip_value, kValueByte, '\xff');
}

TEST(Scan, TheClassesAreThoseOfTheGrammar) {
  for (int value = 0; value < 256; ++value) {
    const char c = static_cast<char>(value);
    const bool graphic = value > 0x20 && value < 0x7f;
    const bool delimiter = std::string_view("\"(),/:;<=>?@[\\]{}").contains(c);
    EXPECT_EQ(is(kTokenByte, c), graphic && !delimiter) << value;
    EXPECT_EQ(is(kTargetByte, c), graphic && c != '#') << value;
    EXPECT_EQ(is(kValueByte, c), graphic || c == ' ' || c == '\t' || value > 0x7f) << value;
    EXPECT_EQ(is(kHexByte, c), graphic && std::isxdigit(value) != 0) << value;
  }
}

}  // namespace
}  // namespace roundhouse::http
