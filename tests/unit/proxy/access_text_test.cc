#include "proxy/access_text.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "base/json.h"

namespace roundhouse::proxy {
namespace {

using Escaping = LineText::Escaping;

std::string escaped(std::string_view text, Escaping escaping, std::size_t most = 4000) {
  std::array<char, 4096> out;
  LineText line(out);
  line.put_escaped(text, escaping, most);
  return std::string(line.text());
}

std::string url(std::string_view text, std::size_t most = 4000) {
  std::array<char, 4096> out;
  LineText line(out);
  line.put_url(text, Escaping::kJson, most);
  return std::string(line.text());
}

std::string every_byte() {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  return all;
}

TEST(AccessText, EveryByteBecomesPrintableAndValidJson) {
  for (const char byte : every_byte()) {
    const std::string text = escaped({&byte, 1}, Escaping::kJson);
    for (const char c : text) EXPECT_TRUE(c >= ' ' && c < 0x7f) << static_cast<int>(byte);
    const auto json = parse_json("\"" + text + "\"");
    ASSERT_TRUE(json) << text;
    const auto code = static_cast<unsigned char>(byte);
    const std::string expected = code < 0x80 ? std::string(1, byte)
                                             : std::string{static_cast<char>(0xc0 | code >> 6),
                                                           static_cast<char>(0x80 | (code & 0x3f))};
    EXPECT_EQ(json->get<std::string>(), expected);
  }
}

TEST(AccessText, InHexEveryByteThatCouldEndAFieldIsEscaped) {
  EXPECT_EQ(escaped("a \"b\" \\ \n\r\t\x7f\xc3\xa9\x1b[31m", Escaping::kHex),
            "a \\x22b\\x22 \\x5C \\x0A\\x0D\\x09\\x7F\\xC3\\xA9\\x1B[31m");
  for (const char c : escaped(every_byte(), Escaping::kHex)) {
    EXPECT_TRUE(c >= ' ' && c < 0x7f && c != '"');
  }
}

TEST(AccessText, WhatIsTooLongIsCutBetweenEscapes) {
  EXPECT_EQ(escaped("abcdefghij", Escaping::kJson, 10), "abcdefg...");
  EXPECT_EQ(escaped("abcdefg", Escaping::kJson, 10), "abcdefg");
  EXPECT_EQ(escaped("abcd\n", Escaping::kJson, 10), "abcd...");
  EXPECT_EQ(escaped(std::string(5000, '\0'), Escaping::kJson, 16), "\\u0000\\u0000...");
  for (std::size_t most = 3; most < 300; ++most)
    EXPECT_LE(escaped(every_byte(), Escaping::kHex, most).size(), most);
}

TEST(AccessText, SecretsInAQueryAreHidden) {
  EXPECT_EQ(url("/a?token=abc&x=1&api_key=K;sig=s"), "/a?token=***&x=1&api_key=***;sig=***");
  EXPECT_EQ(url("/a?x=token&y=key=1"), "/a?x=token&y=key=1");
  EXPECT_EQ(url("/a?token"), "/a?token");
  EXPECT_EQ(url("/a?token=&&password=p"), "/a?token=***&&password=***");
  EXPECT_EQ(url("/a?next=/b?code=1#access_token=2"), "/a?next=/b?code=***#access_token=***");
  EXPECT_EQ(url("/plain/path"), "/plain/path");
  EXPECT_EQ(url(""), "");
}

TEST(AccessText, NamesOfSecretsAreKnownHoweverTheyAreWritten) {
  for (const char* name : {"token", "access_token", "key", "api_key", "apikey", "password",
                           "passwd", "secret", "signature", "sig", "code", "TOKEN", "Api-Key",
                           "%74oken", "t%6Fken", "client_secret", "X-Amz-Signature", "accessToken"})
    EXPECT_TRUE(is_secret_name(name)) << name;
  for (const char* name : {"", "tokens", "monkey", "zip_code", "keys", "signed", "page", "%", "%7"})
    EXPECT_FALSE(is_secret_name(name)) << name;
  EXPECT_TRUE(is_secret_name(std::string(500, 'x') + "_token"));
  EXPECT_FALSE(is_secret_name(std::string(500, 'x') + "_tokens"));
}

TEST(AccessText, UserInformationInAUrlIsHidden) {
  EXPECT_EQ(url("http://user:pw@host/p?a=1"), "http://***@host/p?a=1");
  EXPECT_EQ(url("//user:p@w@host"), "//***@host");
  EXPECT_EQ(url("https://host/~a@b"), "https://host/~a@b");
  EXPECT_EQ(url("/a//b@c"), "/a//b@c");
}

TEST(AccessText, AUrlIsCutAsAWhole) {
  EXPECT_EQ(url("/a?token=abc&b=1", 12), "/a?token=...");
  EXPECT_EQ(url("/a?token=abc&b=1&c=2", 20), "/a?token=***&b=1&...");
}

TEST(AccessText, OfBytesThatAreNoRequestOnlyALineIsBelieved) {
  const RequestLine line = guess_request_line("\r\nGET /a?b HTTP/1.1\r\nHost");
  EXPECT_EQ(line.method, "GET");
  EXPECT_EQ(line.target, "/a?b");
  EXPECT_EQ(line.protocol, "HTTP/1.1");
  const RequestLine begun = guess_request_line("GET /a");
  EXPECT_EQ(begun.method, "GET");
  EXPECT_EQ(begun.target, "/a");
  EXPECT_EQ(begun.protocol, "");
  EXPECT_EQ(guess_request_line("GET").method, "GET");
  EXPECT_EQ(guess_request_line("\x16\x03\x01\x02 a").method, "");
  EXPECT_EQ(guess_request_line("\x16\x03\x01\x02 a").target, "");
  EXPECT_EQ(guess_request_line("").method, "");
  EXPECT_EQ(guess_request_line("GET / HTTP/1.1 and a secret").protocol, "");
}

TEST(AccessText, SecondsHaveMilliseconds) {
  const auto seconds = [](std::int64_t ns) {
    std::array<char, 40> out;
    LineText line(out);
    line.put_seconds(ns);
    return std::string(line.text());
  };
  EXPECT_EQ(seconds(0), "0.000");
  EXPECT_EQ(seconds(12'999'999), "0.012");
  EXPECT_EQ(seconds(61'005'000'000), "61.005");
  EXPECT_EQ(seconds(-5), "0.000");
}

}  // namespace
}  // namespace roundhouse::proxy
