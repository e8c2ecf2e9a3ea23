#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "http/http1_request_parser.h"

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

// Feeds `input` in pieces; each piece arrives in a buffer of its own, so that the bytes move and
// nothing behind the end may be read.
Verdict feed(const std::string& input, std::size_t first, std::size_t step,
             HeadLimits limits = kLimits) {
  RequestParser parser(limits);
  Request request(limits.fields);
  parser.start();
  Parse status = Parse::kMore;
  for (std::size_t size = first; status == Parse::kMore; size += step) {
    const std::vector<char> bytes(
        input.begin(), input.begin() + static_cast<std::ptrdiff_t>(std::min(size, input.size())));
    status = parser.parse({bytes.data(), bytes.size()}, request);
    if (size >= input.size()) break;
  }
  return {status, parser.failure(), status == Parse::kDone ? request.head_size : 0};
}

// The verdict, which must be the same in one piece, cut anywhere in two, and byte by byte.
Verdict verdict_on(const std::string& input, HeadLimits limits = kLimits) {
  const Verdict whole = feed(input, input.size(), 1, limits);
  EXPECT_EQ(feed(input, 1, 1, limits), whole) << "byte by byte";
  for (std::size_t cut = 0; cut < std::min<std::size_t>(input.size(), 600); ++cut) {
    EXPECT_EQ(feed(input, cut, input.size(), limits), whole) << "cut at " << cut;
    if (testing::Test::HasFailure()) break;
  }
  return whole;
}

struct Case {
  const char* name;
  std::string input;
  Failure failure;
};

std::string with(const std::string& fields) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

const Case kRefused[] = {
    // Request line.
    {"empty method", " / HTTP/1.1\r\n", Failure::kBadMethod},
    {"method with a colon", "G:T / HTTP/1.1\r\n", Failure::kBadMethod},
    {"method with NUL", "G\0T / HTTP/1.1\r\n"s, Failure::kBadMethod},
    {"method and tab", "GET\t/ HTTP/1.1\r\n", Failure::kBadMethod},
    {"TLS ClientHello", "\x16\x03\x01\x02", Failure::kBadMethod},
    {"leading space", " GET / HTTP/1.1\r\n", Failure::kBadMethod},
    {"two leading empty lines", "\r\n\r\nGET / HTTP/1.1\r\n", Failure::kBadMethod},
    {"leading LF", "\nGET / HTTP/1.1\r\n", Failure::kBareLineFeed},
    {"leading CR", "\rGET / HTTP/1.1\r\n", Failure::kBareCarriageReturn},
    {"two spaces before the target", "GET  / HTTP/1.1\r\n", Failure::kBadTarget},
    {"two spaces after the target", "GET /  HTTP/1.1\r\n", Failure::kBadVersion},
    {"space in the target", "GET /a b HTTP/1.1\r\n", Failure::kBadVersion},
    {"fragment", "GET /a#b HTTP/1.1\r\n", Failure::kBadTarget},
    {"fragment alone", "GET # HTTP/1.1\r\n", Failure::kBadTarget},
    {"NUL in the target", "GET /a\0b HTTP/1.1\r\n"s, Failure::kBadTarget},
    {"DEL in the target", "GET /a\x7f HTTP/1.1\r\n", Failure::kBadTarget},
    {"tab in the target", "GET /a\tb HTTP/1.1\r\n", Failure::kBadTarget},
    {"bytes above ASCII in the target", "GET /\xc3\xa4 HTTP/1.1\r\n", Failure::kBadTarget},
    {"CR in the target", "GET /a\rb HTTP/1.1\r\n", Failure::kBadVersion},
    {"HTTP/0.9", "GET /\r\n", Failure::kBadVersion},
    {"HTTP/0.9 with LF", "GET /\n", Failure::kBareLineFeed},
    {"method alone", "GET\r\n", Failure::kBadMethod},
    {"lower-case protocol", "GET / http/1.1\r\n", Failure::kBadVersion},
    {"another protocol", "GET / HTTQ/1.1\r\n", Failure::kBadVersion},
    {"version without minor", "GET / HTTP/1\r\n", Failure::kBadVersion},
    {"version of three digits", "GET / HTTP/1.10\r\n", Failure::kBadVersion},
    {"version with letters", "GET / HTTP/1.x\r\n", Failure::kBadVersion},
    {"space after the version", "GET / HTTP/1.1 \r\n", Failure::kBadVersion},
    {"LF after the version", "GET / HTTP/1.1\n", Failure::kBareLineFeed},
    {"CR alone after the version", "GET / HTTP/1.1\rX", Failure::kBareCarriageReturn},
    {"CR CR LF after the version", "GET / HTTP/1.1\r\r\n", Failure::kBareCarriageReturn},
    {"beginning of another protocol", "GET / FTP", Failure::kBadVersion},
    {"HTTP/2.0", "GET / HTTP/2.0\r\n", Failure::kUnsupportedVersion},
    {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Failure::kUnsupportedVersion},
    {"HTTP/1.2", "GET / HTTP/1.2\r\n", Failure::kUnsupportedVersion},
    {"HTTP/0.9 with its version", "GET / HTTP/0.9\r\n", Failure::kUnsupportedVersion},
    {"PROXY protocol", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", Failure::kBadVersion},
    // Forms of the target.
    {"asterisk with GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", Failure::kTargetFormRefused},
    {"authority with GET", "GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n", Failure::kBadTarget},
    {"path without slash", "GET a/b HTTP/1.1\r\nHost: a\r\n\r\n", Failure::kBadTarget},
    {"CONNECT with a path", "CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n", Failure::kTargetFormRefused},
    {"CONNECT with a URL", "CONNECT http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
     Failure::kTargetFormRefused},
    {"CONNECT without a port", "CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n",
     Failure::kTargetFormRefused},
    {"CONNECT with an empty port", "CONNECT a: HTTP/1.1\r\nHost: a\r\n\r\n",
     Failure::kTargetFormRefused},
    {"another scheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", Failure::kBadTarget},
    {"URL without host", "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", Failure::kBadTarget},
    {"URL with user", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", Failure::kBadTarget},
    {"URL with a bad port", "GET http://a:99999/ HTTP/1.1\r\nHost: a\r\n\r\n", Failure::kBadTarget},
    {"URL without Host field", "GET http://a/ HTTP/1.1\r\n\r\n", Failure::kMissingHost},
    // Fields.
    {"folded field", with("A: b\r\n c\r\n"), Failure::kFoldedField},
    {"folded field by tab", with("A: b\r\n\tc\r\n"), Failure::kFoldedField},
    {"folded first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", Failure::kFoldedField},
    {"space before the colon", with("A : b\r\n"), Failure::kSpaceBeforeColon},
    {"tab before the colon", with("A\t: b\r\n"), Failure::kSpaceBeforeColon},
    {"space before the colon of Content-Length", with("Content-Length : 5\r\n"),
     Failure::kSpaceBeforeColon},
    {"space in a name", with("A b: c\r\n"), Failure::kSpaceBeforeColon},
    {"empty name", with(": b\r\n"), Failure::kEmptyFieldName},
    {"name with a slash", with("A/b: c\r\n"), Failure::kBadFieldName},
    {"name with NUL", with("A\0b: c\r\n"s), Failure::kBadFieldName},
    {"name above ASCII", with("\xc3\xa4: c\r\n"), Failure::kBadFieldName},
    {"no colon", with("Abc\r\n"), Failure::kBadFieldName},
    {"no colon, bare LF", with("Abc\n"), Failure::kBareLineFeed},
    {"value with NUL", with("A: b\0c\r\n"s), Failure::kBadFieldValue},
    {"value with a control character", with("A: b\x01\r\n"), Failure::kBadFieldValue},
    {"value with DEL", with("A: b\x7f\r\n"), Failure::kBadFieldValue},
    {"long value with a control character", with("A: " + std::string(100, 'x') + "\x1f\r\n"),
     Failure::kBadFieldValue},
    {"value with vertical tab",
     with("Transfer-Encoding: \x0b"
          "chunked\r\n"),
     Failure::kBadFieldValue},
    {"bare LF", with("A: b\nC: d\r\n"), Failure::kBareLineFeed},
    {"bare CR", with("A: b\rC: d\r\n"), Failure::kBareCarriageReturn},
    {"CR CR LF", with("A: b\r\r\n"), Failure::kBareCarriageReturn},
    {"LF as the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n", Failure::kBareLineFeed},
    {"CR X as the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\rX", Failure::kBareCarriageReturn},
    // Host.
    {"no Host", "GET / HTTP/1.1\r\n\r\n", Failure::kMissingHost},
    {"two Hosts", with("Host: a\r\n"), Failure::kRepeatedHost},
    {"two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nhOST: b\r\n\r\n",
     Failure::kRepeatedHost},
    {"empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", Failure::kBadHost},
    {"Host with user", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", Failure::kBadHost},
    {"Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", Failure::kBadHost},
    {"Host list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", Failure::kBadHost},
    {"Host with a bad port", "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", Failure::kBadHost},
    {"Host with two ports", "GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n", Failure::kBadHost},
    {"Host with a port too large", "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", Failure::kBadHost},
    {"Host with a backslash", "GET / HTTP/1.1\r\nHost: a\\b\r\n\r\n", Failure::kBadHost},
    {"Host with half an escape", "GET / HTTP/1.1\r\nHost: a%4\r\n\r\n", Failure::kBadHost},
    {"Host with an open bracket", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", Failure::kBadHost},
    {"Host with a name in brackets", "GET / HTTP/1.1\r\nHost: [abcd]\r\n\r\n", Failure::kBadHost},
    {"Host with more behind the bracket", "GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n",
     Failure::kBadHost},
    // Framing.
    {"CL and TE", with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
     Failure::kTwoFramings},
    {"TE and CL", with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
     Failure::kTwoFramings},
    {"TE and CL of 0", with("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"),
     Failure::kTwoFramings},
    {"two CL", with("Content-Length: 5\r\nContent-Length: 6\r\n"), Failure::kRepeatedContentLength},
    {"two equal CL", with("Content-Length: 5\r\ncontent-length: 5\r\n"),
     Failure::kRepeatedContentLength},
    {"CL list", with("Content-Length: 5, 5\r\n"), Failure::kBadContentLength},
    {"empty CL", with("Content-Length:\r\n"), Failure::kBadContentLength},
    {"CL of white space", with("Content-Length: \t \r\n"), Failure::kBadContentLength},
    {"CL with plus", with("Content-Length: +5\r\n"), Failure::kBadContentLength},
    {"CL with minus", with("Content-Length: -5\r\n"), Failure::kBadContentLength},
    {"CL in hex", with("Content-Length: 0x5\r\n"), Failure::kBadContentLength},
    {"CL with a fraction", with("Content-Length: 5.0\r\n"), Failure::kBadContentLength},
    {"CL with a space inside", with("Content-Length: 5 5\r\n"), Failure::kBadContentLength},
    {"CL of 2^63", with("Content-Length: 9223372036854775808\r\n"), Failure::kBadContentLength},
    {"CL of 2^64", with("Content-Length: 18446744073709551616\r\n"), Failure::kBadContentLength},
    {"CL of 30 digits", with("Content-Length: 000000000000000000000000000005\r\n"),
     Failure::kBadContentLength},
    {"TE gzip", with("Transfer-Encoding: gzip\r\n"), Failure::kUnknownTransferEncoding},
    {"TE identity", with("Transfer-Encoding: identity\r\n"), Failure::kUnknownTransferEncoding},
    {"TE list", with("Transfer-Encoding: gzip, chunked\r\n"), Failure::kUnknownTransferEncoding},
    {"TE chunked twice in a list", with("Transfer-Encoding: chunked, chunked\r\n"),
     Failure::kUnknownTransferEncoding},
    {"TE xchunked", with("Transfer-Encoding: xchunked\r\n"), Failure::kUnknownTransferEncoding},
    {"TE quoted", with("Transfer-Encoding: \"chunked\"\r\n"), Failure::kUnknownTransferEncoding},
    {"TE with a parameter", with("Transfer-Encoding: chunked;a=b\r\n"),
     Failure::kUnknownTransferEncoding},
    {"TE with a comma behind", with("Transfer-Encoding: chunked,\r\n"),
     Failure::kUnknownTransferEncoding},
    {"empty TE", with("Transfer-Encoding:\r\n"), Failure::kUnknownTransferEncoding},
    {"two TE", with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
     Failure::kRepeatedTransferEncoding},
    {"two TE, one disguised", with("Transfer-Encoding: chunked\r\nTransfer-encoding: x\r\n"),
     Failure::kRepeatedTransferEncoding},
    {"TE in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
     Failure::kOldTransferEncoding},
    {"unknown expectation", with("Expect: 200-maybe\r\n"), Failure::kUnknownExpectation},
    {"list of expectations", with("Expect: 100-continue, x\r\n"), Failure::kUnknownExpectation},
};

TEST(RequestParser, RefusesWhateverIsNotStrictlyARequestHoweverItIsSplit) {
  for (const Case& c : kRefused) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(verdict_on(c.input), (Verdict{Parse::kFailed, c.failure, 0}));
  }
}

const Case kTaken[] = {
    {"least request", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", {}},
    {"leading empty line", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", {}},
    {"HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", {}},
    {"unknown method", "BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n", {}},
    {"odd but legal token as method", "!#$%&'*+-.^_`|~ / HTTP/1.1\r\nHost: a\r\n\r\n", {}},
    {"bytes that browsers send raw", "GET /a|b{}^`\"<>\\?x=[y] HTTP/1.1\r\nHost: a\r\n\r\n", {}},
    {"no space after the colon", "GET / HTTP/1.1\r\nHost:a\r\nB:c\r\n\r\n", {}},
    {"white space around values", with("A: \t b c \t\r\n"), {}},
    {"empty value", with("A:\r\nB: \r\n"), {}},
    {"value above ASCII", with("A: \xc3\xa4\xff\r\n"), {}},
    {"tab inside a value", with("A: b\tc\r\n"), {}},
    {"name with underscore and digits", with("a_long_name_1_with_2_underscores: b\r\n"), {}},
    {"Host with port", "GET / HTTP/1.1\r\nHost: a.example:8080\r\n\r\n", {}},
    {"Host with empty port", "GET / HTTP/1.1\r\nHost: a:\r\n\r\n", {}},
    {"IPv6 Host", "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", {}},
    {"escaped Host", "GET / HTTP/1.1\r\nHost: a%41b\r\n\r\n", {}},
    {"OPTIONS of the server", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", {}},
    {"CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", {}},
    {"absolute form", "GET http://a.b:80/x?y HTTP/1.1\r\nHost: c\r\n\r\n", {}},
    {"largest Content-Length", with("Content-Length: 9223372036854775807\r\n"), {}},
    {"chunked in capitals", with("Transfer-Encoding: CHUNKED \r\n"), {}},
    {"odd names beside the framing fields",
     with("Content_Length: x\r\nTransfer_Encoding: y\r\n"),
     {}},
};

TEST(RequestParser, TakesWhatTheGrammarAllowsHoweverItIsSplit) {
  for (const Case& c : kTaken) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(verdict_on(c.input), (Verdict{Parse::kDone, Failure::kNone, c.input.size()}));
    EXPECT_EQ(feed(c.input + "GET /next", c.input.size() + 9, 1).size, c.input.size());
  }
}

TEST(RequestParser, AsksForMoreUntilTheLastByteOfTheHead) {
  const std::string input = with("A: b\r\n");
  for (std::size_t size = 0; size < input.size(); ++size)
    EXPECT_EQ(feed(input.substr(0, size), size, 1).status, Parse::kMore) << size;
}

TEST(RequestParser, ALimitIsExact) {
  const HeadLimits limits{.line_bytes = 100, .head_bytes = 200, .fields = 3};
  const auto line = [](std::size_t size) {
    return "GET /" + std::string(size - 14, 'a') + " HTTP/1.1\r\n";
  };
  const auto head = [](std::size_t size) {
    return "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(size - 32, 'a') + "\r\n\r\n";
  };
  const std::string field = "A: b\r\n";
  EXPECT_EQ(verdict_on(line(100) + "Host: a\r\n\r\n", limits).status, Parse::kDone);
  EXPECT_EQ(verdict_on(line(101) + "Host: a\r\n\r\n", limits).failure, Failure::kLineTooLong);
  EXPECT_EQ(verdict_on("\r\n" + line(100) + "Host: a\r\n\r\n", limits).status, Parse::kDone);
  EXPECT_EQ(verdict_on(std::string(300, 'G'), limits).failure, Failure::kLineTooLong);
  EXPECT_EQ(verdict_on(std::string(91, 'G') + " /", limits).failure, Failure::kLineTooLong);
  EXPECT_EQ(verdict_on(head(200), limits), (Verdict{Parse::kDone, Failure::kNone, 200}));
  EXPECT_EQ(verdict_on(head(201), limits).failure, Failure::kHeadTooLong);
  EXPECT_EQ(verdict_on(head(5000), limits).failure, Failure::kHeadTooLong);
  EXPECT_EQ(verdict_on(with(field + field), limits).status, Parse::kDone);
  EXPECT_EQ(verdict_on(with(field + field + field), limits).failure, Failure::kTooManyFields);
}

TEST(RequestParser, TheDefaultLimitsAre8KiB16KiBAnd100Fields) {
  std::string fields;
  for (int i = 0; i < 99; ++i) fields += "A: b\r\n";
  EXPECT_EQ(feed(with(fields), 1, 97).status, Parse::kDone);
  EXPECT_EQ(feed(with(fields + "A: b\r\n"), 1, 97).failure, Failure::kTooManyFields);
  EXPECT_EQ(feed("GET /" + std::string(8192 - 13, 'a') + " HTTP/1.1\r\n", 1, 97).failure,
            Failure::kLineTooLong);
  EXPECT_EQ(feed("GET /" + std::string(8192 - 14, 'a') + " HTTP/1.1\r\n", 1, 97).status,
            Parse::kMore);
  EXPECT_EQ(feed(with("A: " + std::string(16 * 1024, 'b')), 1, 97).failure, Failure::kHeadTooLong);
}

// Work is counted, not timed: what has been scanned is overwritten, so that a second look at it
// would fail. The true bytes come back for the last call, which reads lengths and hosts.
TEST(RequestParser, NeverScansAByteTwiceWhenFedByteByByte) {
  std::string fields;
  for (int i = 0; i < 50; ++i)
    fields += "Some-Field-Name_" + std::to_string(i) + ": " + std::string(200, 'v') + "\r\n";
  const std::string input =
      "POST /" + std::string(4000, 'p') + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
  const std::size_t version_begin = input.find("HTTP/1.1");
  RequestParser parser(kLimits);
  Request request(kLimits.fields);
  std::string seen;
  for (std::size_t size = 1; size < input.size(); ++size) {
    seen = std::string(size - 1, '\0') + input[size - 1];
    if (size > version_begin && size <= version_begin + 8)  // the one exception: 8 bytes
      seen.replace(version_begin, size - version_begin, input, version_begin, size - version_begin);
    ASSERT_EQ(parser.parse(seen, request), Parse::kMore) << size;
  }
  ASSERT_EQ(parser.parse(input, request), Parse::kDone);
  EXPECT_EQ(request.fields.size(), 51u);
  EXPECT_EQ(request.fields[50].value, std::string(200, 'v'));
}

}  // namespace
}  // namespace roundhouse::http
