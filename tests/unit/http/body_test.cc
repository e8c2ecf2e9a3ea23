#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "http/http1_body.h"

namespace roundhouse::http {
namespace {

using namespace std::string_literals;

constexpr BodyLength kChunkedBody{Framing::kChunked, 0};

struct Decoded {
  Parse status = Parse::kMore;
  Failure failure = Failure::kNone;
  std::string data;
  std::string trailers;
  std::size_t consumed = 0;
  bool operator==(const Decoded&) const = default;
};

void PrintTo(const Decoded& d, std::ostream* out) {
  *out << static_cast<int>(d.status) << " " << row_of(d.failure).name << " data=" << d.data.size()
       << " consumed=" << d.consumed << " trailers=" << d.trailers;
}

// Feeds the input `step` bytes at a time after the first `first`; what is left unconsumed comes
// again, in a buffer of its own.
Decoded decode(BodyLength length, const std::string& input, std::size_t first, std::size_t step,
               const BodyLimits& limits = {}) {
  BodyDecoder decoder(8);
  decoder.start(length, limits);
  Decoded result;
  for (std::size_t size = first;; size += step) {
    size = std::min(size, input.size());
    while (result.status == Parse::kMore) {
      const std::vector<char> bytes(input.begin() + static_cast<std::ptrdiff_t>(result.consumed),
                                    input.begin() + static_cast<std::ptrdiff_t>(size));
      const auto taken = decoder.decode({bytes.data(), bytes.size()});
      result.status = taken.status;
      result.consumed += taken.consumed;
      result.data += taken.data;
      for (std::size_t i = 0; decoder.done() && i < decoder.trailers().size(); ++i) {
        const Field field = decoder.trailers()[i];
        result.trailers += std::string(field.name) + "=" + std::string(field.value) + ";";
      }
      if (taken.consumed == 0) break;
    }
    if (size == input.size() || result.status != Parse::kMore) break;
  }
  result.failure = decoder.failure();
  if (result.status == Parse::kFailed) {
    result.consumed = 0;
    result.data.clear();
  }
  return result;
}

Decoded decode_all_ways(const std::string& input, const BodyLimits& limits = {},
                        BodyLength length = kChunkedBody) {
  const Decoded whole = decode(length, input, input.size(), 1, limits);
  EXPECT_EQ(decode(length, input, 1, 1, limits), whole) << "byte by byte";
  for (std::size_t cut = 0; cut < std::min<std::size_t>(input.size(), 300); ++cut)
    EXPECT_EQ(decode(length, input, cut, input.size(), limits), whole) << "cut at " << cut;
  return whole;
}

const struct {
  const char* name;
  std::string input;
  Failure failure;
} kRefused[] = {
    {"empty size", "\r\nabc", Failure::kBadChunkSize},
    {"plus", "+5\r\n", Failure::kBadChunkSize},
    {"minus", "-5\r\n", Failure::kBadChunkSize},
    {"0x", "0x5\r\n", Failure::kBadChunkSize},
    {"not hex", "g\r\n", Failure::kBadChunkSize},
    {"leading space", " 5\r\n", Failure::kBadChunkSize},
    {"underscore", "1_0\r\n", Failure::kBadChunkSize},
    {"17 digits", "00000000000000005\r\n", Failure::kBadChunkSize},
    {"17 digits that wrap", "10000000000000005\r\n", Failure::kBadChunkSize},
    {"2^63", "8000000000000000\r\n", Failure::kBadChunkSize},
    {"2^64 - 1", "ffffffffffffffff\r\n", Failure::kBadChunkSize},
    {"space after the size", "5 \r\nhello\r\n", Failure::kBadChunkSize},
    {"space and a digit after the size", "5 5\r\n", Failure::kBadChunkSize},
    {"tab after the size", "5\t\r\n", Failure::kBadChunkSize},
    {"LF after the size", "5\nhello\r\n", Failure::kBareLineFeed},
    {"CR alone after the size", "5\rhello", Failure::kBareCarriageReturn},
    {"CR CR LF after the size", "5\r\r\nhello", Failure::kBareCarriageReturn},
    {"LF in an extension", "5;a\nhello\r\n", Failure::kBareLineFeed},
    {"CR in an extension", "5;a\rb\r\nhello\r\n", Failure::kBareCarriageReturn},
    {"NUL in an extension", "5;a\0\r\n"s, Failure::kBadChunkExtension},
    {"control character in an extension", "5;a\x01\r\n", Failure::kBadChunkExtension},
    {"missing CRLF after the data", "5\r\nhello0\r\n\r\n", Failure::kBadChunkEnd},
    {"two other bytes in place of CRLF", "5\r\nhelloXX0\r\n\r\n", Failure::kBadChunkEnd},
    {"LF after the data", "5\r\nhello\n0\r\n\r\n", Failure::kBareLineFeed},
    {"CR alone after the data", "5\r\nhello\rX", Failure::kBareCarriageReturn},
    {"LF as the last line", "0\r\n\n", Failure::kBareLineFeed},
    {"CR X as the last line", "0\r\n\rX", Failure::kBareCarriageReturn},
    {"folded trailer", "0\r\nA: b\r\n c\r\n\r\n", Failure::kFoldedField},
    {"trailer without a colon", "0\r\nGET / HTTP/1.1\r\n\r\n", Failure::kSpaceBeforeColon},
    {"NUL in a trailer", "0\r\nA: \0\r\n\r\n"s, Failure::kBadFieldValue},
    {"Content-Length as a trailer", "0\r\ncontent-length: 5\r\n\r\n", Failure::kForbiddenTrailer},
    {"Transfer-Encoding as a trailer", "0\r\nTransfer-Encoding: chunked\r\n\r\n",
     Failure::kForbiddenTrailer},
    {"Host as a trailer", "0\r\nHost: a\r\n\r\n", Failure::kForbiddenTrailer},
    {"nine trailers of eight",
     "0\r\na:b\r\na:b\r\na:b\r\na:b\r\na:b\r\na:b\r\na:b\r\na:b\r\na:b\r\n",
     Failure::kTooManyFields},
};

TEST(ChunkedBody, RefusesFaultyFramingHoweverItIsSplit) {
  for (const auto& c : kRefused) {
    SCOPED_TRACE(c.name);
    const Decoded result = decode_all_ways(c.input);
    EXPECT_EQ(result.status, Parse::kFailed);
    EXPECT_EQ(row_of(result.failure).name, row_of(c.failure).name);
  }
}

TEST(ChunkedBody, IsTakenOutOfItsFramingHoweverItIsSplit) {
  const struct {
    const char* name;
    std::string input, data, trailers;
  } kCases[] = {
      {"empty", "0\r\n\r\n", "", ""},
      {"one chunk", "5\r\nhello\r\n0\r\n\r\n", "hello", ""},
      {"two chunks", "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world", ""},
      {"data that looks like framing", "6\r\n0\r\n\r\nx\r\n0\r\n\r\n", "0\r\n\r\nx", ""},
      {"hex in both cases", "a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n",
       "01234567890123456789a", ""},
      {"16 digits", "0000000000000005\r\nhello\r\n0000000000000000\r\n\r\n", "hello", ""},
      {"extensions", "5;a;b=c;d=\"e f\"\r\nhello\r\n0;x\r\n\r\n", "hello", ""},
      {"white space before an extension", "5 \t; a = b\r\nhello\r\n0\r\n\r\n", "hello", ""},
      {"trailers", "5\r\nhello\r\n0\r\nA: b\r\nX-Sum:  1 2 \r\n\r\n", "hello", "A=b;X-Sum=1 2;"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.name);
    const Decoded expected{Parse::kDone, Failure::kNone, c.data, c.trailers, c.input.size()};
    EXPECT_EQ(decode_all_ways(c.input), expected);
    EXPECT_EQ(decode_all_ways(c.input + "GET / HTTP/1.1\r\n"), expected) << "with the next request";
    for (std::size_t size = 0; size < c.input.size(); ++size)
      EXPECT_EQ(decode_all_ways(c.input.substr(0, size)).status, Parse::kMore) << size;
  }
}

TEST(ChunkedBody, LimitsAreExact) {
  const std::string body = "5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n";
  EXPECT_EQ(decode_all_ways(body, {.body_bytes = 10}).status, Parse::kDone);
  EXPECT_EQ(decode_all_ways(body, {.body_bytes = 9}).failure, Failure::kBodyTooLong);
  EXPECT_EQ(decode_all_ways("7fffffffffffffff\r\n", {.body_bytes = 9}).failure,
            Failure::kBodyTooLong);
  const std::string trailer = "0\r\nA: bcd\r\n\r\n";
  EXPECT_EQ(decode_all_ways(trailer, {.trailer_bytes = 10}).status, Parse::kDone);
  EXPECT_EQ(decode_all_ways(trailer, {.trailer_bytes = 9}).failure, Failure::kHeadTooLong);
}

TEST(ChunkedBody, ExtensionsAreBoundedInTotal) {
  const auto chunk = [](std::size_t extension) {
    return "1;" + std::string(extension - 1, 'e') + "\r\nx\r\n";
  };
  const std::size_t half = BodyDecoder::kExtensionBytesMax / 2;
  const std::string last = "0\r\n\r\n";
  const auto status_of = [](const std::string& input) {
    const Decoded whole = decode(kChunkedBody, input, input.size(), 1);
    EXPECT_EQ(decode(kChunkedBody, input, 1, 1), whole);
    return row_of(whole.failure).status;
  };
  EXPECT_EQ(status_of(chunk(half) + chunk(half) + last), 0);
  EXPECT_EQ(status_of(chunk(half) + chunk(half + 1) + last), 413);
}

TEST(ChunkedBody, ADecoderStartsAfreshForEachMessage) {
  BodyDecoder decoder(8);
  for (const std::string trailer : {"A: b\r\n", "C: d\r\n", ""}) {
    decoder.start(kChunkedBody, {});
    EXPECT_EQ(decoder.decode("0\r\n").status, Parse::kMore);
    EXPECT_EQ(decoder.decode(trailer).status, Parse::kMore);
    EXPECT_EQ(decoder.decode(trailer + "\r\n").status, Parse::kDone);
    EXPECT_EQ(decoder.trailers().size(), trailer.empty() ? 0u : 1u);
  }
}

TEST(LengthBody, EndsAfterItsLengthHoweverItIsSplit) {
  const Decoded expected{Parse::kDone, Failure::kNone, "hello", "", 5};
  EXPECT_EQ(decode_all_ways("helloGET /", {}, {Framing::kLength, 5}), expected);
  EXPECT_EQ(decode_all_ways("hell", {}, {Framing::kLength, 5}).status, Parse::kMore);
}

TEST(LengthBody, AboveTheLimitFailsBeforeAnyOfItCame) {
  BodyDecoder decoder(8);
  decoder.start({Framing::kLength, 11}, {.body_bytes = 10});
  EXPECT_EQ(decoder.failure(), Failure::kBodyTooLong);
  EXPECT_EQ(decoder.decode("").status, Parse::kFailed);
  decoder.start({Framing::kLength, 10}, {.body_bytes = 10});
  EXPECT_EQ(decoder.failure(), Failure::kNone);
}

TEST(EmptyBody, IsDoneBeforeItBegins) {
  BodyDecoder decoder(8);
  decoder.start({}, {});
  EXPECT_TRUE(decoder.done());
  const auto step = decoder.decode("GET /");
  EXPECT_EQ(step.status, Parse::kDone);
  EXPECT_EQ(step.consumed, 0u);
}

TEST(UntilCloseBody, EndsWithTheConnectionAndIsBounded) {
  BodyDecoder decoder(8);
  decoder.start({Framing::kUntilClose, 0}, {.body_bytes = 6});
  EXPECT_EQ(decoder.decode("abc").data, "abc");
  EXPECT_EQ(decoder.decode("def").status, Parse::kMore);
  EXPECT_EQ(decoder.end_of_input(), Parse::kDone);
  decoder.start({Framing::kUntilClose, 0}, {.body_bytes = 6});
  EXPECT_EQ(decoder.decode("abcdefg").status, Parse::kFailed);
}

TEST(Body, CutShortByTheConnectionIsAFailure) {
  BodyDecoder decoder(8);
  decoder.start({Framing::kLength, 5}, {});
  decoder.decode("hell");
  EXPECT_EQ(decoder.end_of_input(), Parse::kFailed);
  EXPECT_EQ(decoder.failure(), Failure::kTruncatedBody);
  decoder.start(kChunkedBody, {});
  decoder.decode("0\r\n");
  EXPECT_EQ(decoder.end_of_input(), Parse::kFailed);
}

TEST(BodyDecoder, BytesOfAKnownLengthMayBeTakenPastIt) {
  BodyDecoder decoder(8);
  decoder.start({Framing::kLength, 10}, {});
  EXPECT_EQ(decoder.decode("abc").data, "abc");
  EXPECT_EQ(decoder.left_of_length(), 7u);
  decoder.skip(5);
  EXPECT_FALSE(decoder.done());
  EXPECT_EQ(decoder.decode("hijk").data, "hi");
  EXPECT_TRUE(decoder.done());
  EXPECT_EQ(decoder.left_of_length(), 0u);
  decoder.start({Framing::kLength, 3}, {});
  decoder.skip(3);
  EXPECT_TRUE(decoder.done());
  decoder.start(kChunkedBody, {});
  decoder.decode("5\r\nab");
  EXPECT_EQ(decoder.left_of_length(), 0u);
}

}  // namespace
}  // namespace roundhouse::http
