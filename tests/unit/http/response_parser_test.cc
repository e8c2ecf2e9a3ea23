#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "http/http1_response_parser.h"

namespace roundhouse::http {
namespace {

using namespace std::string_literals;

constexpr HeadLimits kLimits;

struct Verdict {
  Parse status;
  Failure failure;
  std::size_t size;
  bool operator==(const Verdict&) const = default;
};

void PrintTo(const Verdict& verdict, std::ostream* out) {
  *out << static_cast<int>(verdict.status) << " " << row_of(verdict.failure).name << " "
       << verdict.size;
}

Verdict feed(const std::string& input, std::size_t first, std::size_t step,
             HeadLimits limits = kLimits) {
  ResponseParser parser(limits);
  Response response(limits.fields);
  parser.start(Method::kGet);
  Parse status = Parse::kMore;
  for (std::size_t size = first; status == Parse::kMore; size += step) {
    const std::string_view piece = std::string_view(input).substr(0, size);
    const std::vector<char> bytes(piece.begin(), piece.end());
    status = parser.parse({bytes.data(), bytes.size()}, response);
    if (size >= input.size()) break;
  }
  return {status, parser.failure(), status == Parse::kDone ? response.head_size : 0};
}

Verdict verdict_on(const std::string& input, HeadLimits limits = kLimits) {
  const Verdict whole = feed(input, input.size(), 1, limits);
  EXPECT_EQ(feed(input, 1, 1, limits), whole) << "byte by byte";
  for (std::size_t cut = 0; cut < input.size(); ++cut)
    EXPECT_EQ(feed(input, cut, input.size(), limits), whole) << "cut at " << cut;
  return whole;
}

std::string with(const std::string& fields) { return "HTTP/1.1 200 OK\r\n" + fields + "\r\n"; }

const struct {
  const char* name;
  std::string input;
  Failure failure;
} kRefused[] = {
    {"not HTTP", "SSH-2.0-OpenSSH\r\n", Failure::kBadStatusLine},
    {"a body at once (HTTP/0.9)", "<html>", Failure::kBadStatusLine},
    {"leading empty line", "\r\nHTTP/1.1 200 OK\r\n\r\n", Failure::kBadStatusLine},
    {"lower-case protocol", "http/1.1 200 OK\r\n", Failure::kBadStatusLine},
    {"HTTP/2.0", "HTTP/2.0 200 OK\r\n", Failure::kUnsupportedVersion},
    {"HTTP/2.0 and a bad status", "HTTP/2.0 x\r\n", Failure::kUnsupportedVersion},
    {"two spaces before the status", "HTTP/1.1  200 OK\r\n", Failure::kBadStatusLine},
    {"tab before the status", "HTTP/1.1\t200 OK\r\n", Failure::kBadStatusLine},
    {"status of two digits", "HTTP/1.1 20 OK\r\n", Failure::kBadStatusLine},
    {"status of four digits", "HTTP/1.1 2000 OK\r\n", Failure::kBadStatusLine},
    {"status 099", "HTTP/1.1 099 X\r\n", Failure::kBadStatusLine},
    {"status 600", "HTTP/1.1 600 X\r\n", Failure::kBadStatusLine},
    {"status with a sign", "HTTP/1.1 +20 X\r\n", Failure::kBadStatusLine},
    {"status with letters", "HTTP/1.1 2x0 X\r\n", Failure::kBadStatusLine},
    {"NUL in the reason", "HTTP/1.1 200 O\0K\r\n"s, Failure::kBadStatusLine},
    {"LF after the reason", "HTTP/1.1 200 OK\n", Failure::kBareLineFeed},
    {"CR alone after the reason", "HTTP/1.1 200 OK\rX", Failure::kBareCarriageReturn},
    {"folded field", with("A: b\r\n c\r\n"), Failure::kFoldedField},
    {"space before the colon", with("A : b\r\n"), Failure::kSpaceBeforeColon},
    {"NUL in a value", with("A: \0\r\n"s), Failure::kBadFieldValue},
    {"bare LF", with("A: b\nC: d\r\n"), Failure::kBareLineFeed},
    {"CL and TE", with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
     Failure::kTwoFramings},
    {"two CL", with("Content-Length: 5\r\nContent-Length: 5\r\n"), Failure::kRepeatedContentLength},
    {"bad CL", with("Content-Length: 5x\r\n"), Failure::kBadContentLength},
    {"TE gzip", with("Transfer-Encoding: gzip\r\n"), Failure::kUnknownTransferEncoding},
    {"TE in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
     Failure::kOldTransferEncoding},
    {"CL and TE of a 304",
     "HTTP/1.1 304 X\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
     Failure::kTwoFramings},
};

TEST(ResponseParser, RefusesWhateverIsNotStrictlyAResponseHoweverItIsSplit) {
  for (const auto& c : kRefused) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(verdict_on(c.input), (Verdict{Parse::kFailed, c.failure, 0}));
  }
}

TEST(ResponseParser, TakesWhatTheGrammarAllowsHoweverItIsSplit) {
  for (const std::string& input : {
           "HTTP/1.1 200 OK\r\n\r\n"s,
           "HTTP/1.1 200 \r\n\r\n"s,
           "HTTP/1.1 200\r\n\r\n"s,
           "HTTP/1.0 599 Any \xc3\xa4 reason\t!\r\nA: b\r\n\r\n"s,
           "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"s,
           with("Host: not a host: none of our business\r\nExpect: x\r\n"),
       }) {
    SCOPED_TRACE(input);
    EXPECT_EQ(verdict_on(input), (Verdict{Parse::kDone, Failure::kNone, input.size()}));
  }
}

TEST(ResponseParser, ALimitIsExact) {
  const HeadLimits limits{.line_bytes = 64, .head_bytes = 200, .fields = 2};
  const auto line = [](std::size_t size) {
    return "HTTP/1.1 200 " + std::string(size - 13, 'r') + "\r\n";
  };
  const auto head = [](std::size_t size) {
    return "HTTP/1.1 200 OK\r\nX: " + std::string(size - 24, 'a') + "\r\n\r\n";
  };
  EXPECT_EQ(verdict_on(line(64) + "\r\n", limits).status, Parse::kDone);
  EXPECT_EQ(verdict_on(line(65) + "\r\n", limits).failure, Failure::kLineTooLong);
  EXPECT_EQ(verdict_on(head(200), limits), (Verdict{Parse::kDone, Failure::kNone, 200}));
  EXPECT_EQ(verdict_on(head(201), limits).failure, Failure::kHeadTooLong);
  EXPECT_EQ(verdict_on(with("A: b\r\nA: b\r\n"), limits).status, Parse::kDone);
  EXPECT_EQ(verdict_on(with("A: b\r\nA: b\r\nA: b\r\n"), limits).failure, Failure::kTooManyFields);
}

TEST(ResponseParser, StatusReasonAndFieldsAreViewsIntoTheInput) {
  const std::string input = "HTTP/1.1 404 Not Found\r\nServer: x\r\nContent-Length: 3\r\n\r\nabc";
  ResponseParser parser(kLimits);
  Response response(kLimits.fields);
  ASSERT_EQ(parser.parse(input, response), Parse::kDone);
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.reason, "Not Found");
  EXPECT_EQ(response.reason.data(), input.data() + 13);
  EXPECT_EQ(response.fields.find("server"), "x");
  EXPECT_EQ(response.head_size, input.size() - 3);
}

TEST(ResponseParser, TheBodyIsFramedByMethodStatusAndFields) {
  const struct {
    Method asked;
    const char* status;
    const char* fields;
    Framing framing;
    bool keep_alive;
  } kCases[] = {
      {Method::kGet, "1.1 200", "Content-Length: 5\r\n", Framing::kLength, true},
      {Method::kGet, "1.1 200", "Content-Length: 0\r\n", Framing::kNone, true},
      {Method::kGet, "1.1 200", "Transfer-Encoding: chunked\r\n", Framing::kChunked, true},
      {Method::kGet, "1.1 200", "", Framing::kUntilClose, false},
      {Method::kGet, "1.0 200", "", Framing::kUntilClose, false},
      {Method::kGet, "1.0 200", "Content-Length: 5\r\n", Framing::kLength, false},
      {Method::kGet, "1.0 200", "Content-Length: 5\r\nConnection: keep-alive\r\n", Framing::kLength,
       true},
      {Method::kGet, "1.1 200", "Content-Length: 5\r\nConnection: close\r\n", Framing::kLength,
       false},
      {Method::kHead, "1.1 200", "Content-Length: 5\r\n", Framing::kNone, true},
      {Method::kHead, "1.1 200", "Transfer-Encoding: chunked\r\n", Framing::kNone, true},
      {Method::kHead, "1.1 200", "", Framing::kNone, true},
      {Method::kGet, "1.1 204", "", Framing::kNone, true},
      {Method::kGet, "1.1 204", "Content-Length: 5\r\n", Framing::kNone, true},
      {Method::kGet, "1.1 304", "Content-Length: 5\r\n", Framing::kNone, true},
      {Method::kGet, "1.1 100", "", Framing::kNone, true},
      {Method::kGet, "1.1 101", "", Framing::kNone, true},
      {Method::kGet, "1.1 103", "Content-Length: 5\r\n", Framing::kNone, true},
      {Method::kConnect, "1.1 200", "Content-Length: 5\r\n", Framing::kNone, true},
      {Method::kConnect, "1.1 407", "Content-Length: 5\r\n", Framing::kLength, true},
  };
  for (const auto& c : kCases) {
    const std::string input = std::string("HTTP/") + c.status + " X\r\n" + c.fields + "\r\n";
    SCOPED_TRACE(input);
    ResponseParser parser(kLimits);
    Response response(kLimits.fields);
    parser.start(c.asked);
    ASSERT_EQ(parser.parse(input, response), Parse::kDone);
    EXPECT_EQ(response.body.framing, c.framing);
    EXPECT_EQ(response.keep_alive, c.keep_alive);
  }
}

TEST(ResponseParser, InterimResponsesAreHeadsLikeAnyOther) {
  const std::string input = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
  ResponseParser parser(kLimits);
  Response response(kLimits.fields);
  parser.start(Method::kGet);
  ASSERT_EQ(parser.parse(input, response), Parse::kDone);
  EXPECT_EQ(response.status, 100);
  const std::size_t first = response.head_size;
  parser.start(Method::kGet);
  ASSERT_EQ(parser.parse(std::string_view(input).substr(first), response), Parse::kDone);
  EXPECT_EQ(response.status, 200);
}

}  // namespace
}  // namespace roundhouse::http
