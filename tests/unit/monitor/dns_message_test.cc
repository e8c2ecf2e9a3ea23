#include "monitor/dns_message.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace roundhouse::monitor {
namespace {

using namespace std::string_literals;

std::optional<std::uint32_t> ttl_of(const std::string& message) {
  const std::vector<unsigned char> bytes(message.begin(), message.end());
  return smallest_ttl(bytes);
}

std::string head(int questions, int answers) {
  return "\x12\x34\x81\x80"s + '\0' + static_cast<char>(questions) + '\0' +
         static_cast<char>(answers) + "\0\0\0\0"s;
}
const std::string kQuestion = "\3_ab\4test\0\0\x21\0\1"s;

std::string record(const std::string& name, const std::string& ttl, const std::string& data) {
  return name + "\0\x21\0\1"s + ttl + '\0' + static_cast<char>(data.size()) + data;
}

TEST(DnsMessage, TellsTheSmallestTimeToLiveOfTheAnswers) {
  EXPECT_EQ(ttl_of(head(1, 3) + kQuestion + record("\xC0\x0C"s, "\0\0\1\0"s, "abc") +
                   record("\1x\xC0\x0C"s, "\0\0\0\x1E"s, "") + record("\0"s, "\0\1\0\0"s, "z")),
            30U);
  EXPECT_EQ(ttl_of(head(1, 0) + kQuestion), std::nullopt);
}

TEST(DnsMessage, ATimeToLiveWithItsHighestBitIsNone) {
  EXPECT_EQ(ttl_of(head(0, 1) + record("\0"s, "\x80\0\0\1"s, "")), 0U);
}

TEST(DnsMessage, WhatIsCutAnywhereTellsNothing) {
  const std::string whole = head(1, 1) + kQuestion + record("\xC0\x0C"s, "\0\0\0\5"s, "abcdef");
  EXPECT_EQ(ttl_of(whole), 5U);
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(ttl_of(whole.substr(0, size)), std::nullopt) << size;
}

TEST(DnsMessage, CountsAndLengthsThatLieTellNothing) {
  EXPECT_EQ(ttl_of(head(9, 1) + kQuestion + record("\0"s, "\0\0\0\5"s, "")), std::nullopt);
  EXPECT_EQ(ttl_of(head(0, 9) + record("\0"s, "\0\0\0\5"s, "")), std::nullopt);
  EXPECT_EQ(ttl_of(head(0, 1) + std::string(40, '\x80')), std::nullopt);
  EXPECT_EQ(ttl_of(head(0, 1) + std::string(40, '\xFF')), std::nullopt);
}

}  // namespace
}  // namespace roundhouse::monitor
