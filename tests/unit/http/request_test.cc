// What a request that is taken means. What is taken at all: request_parser_test.cc.
#include <gtest/gtest.h>

#include <string>

#include "http/http1_request_parser.h"

namespace roundhouse::http {
namespace {

constexpr HeadLimits kLimits;

std::string with(const std::string& fields) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

// Parses one request that must be taken.
struct Taken {
  explicit Taken(std::string text) : input(std::move(text)) {
    RequestParser parser(kLimits);
    EXPECT_EQ(parser.parse(input, request), Parse::kDone) << row_of(parser.failure()).name;
  }
  std::string input;
  Request request{kLimits.fields};
};

TEST(RequestParser, TakesTheRequestApart) {
  const Taken taken(
      "POST /a/b?c=d?e HTTP/1.1\r\nHost: x.example:81\r\nX-A:  v w \t\r\nContent-Length: 12\r\n\r\n"
      "hello");
  const Request& request = taken.request;
  EXPECT_EQ(request.method, Method::kPost);
  EXPECT_EQ(request.method_name, "POST");
  EXPECT_EQ(request.target, "/a/b?c=d?e");
  EXPECT_EQ(request.form, TargetForm::kOrigin);
  EXPECT_EQ(request.path, "/a/b");
  EXPECT_EQ(request.query, "c=d?e");
  EXPECT_EQ(request.authority, "x.example:81");
  EXPECT_EQ(request.version, Version::kHttp11);
  ASSERT_EQ(request.fields.size(), 3u);
  EXPECT_EQ(request.fields[1].name, "X-A");
  EXPECT_EQ(request.fields[1].value, "v w");
  EXPECT_EQ(request.fields[1].id, FieldId::kOther);
  EXPECT_EQ(request.fields[2].id, FieldId::kContentLength);
  EXPECT_EQ(request.fields.find("x-a"), "v w");
  EXPECT_EQ(request.fields.find("x-b"), std::nullopt);
  EXPECT_EQ(request.body.framing, Framing::kLength);
  EXPECT_EQ(request.body.bytes, 12u);
  EXPECT_EQ(request.head_size, taken.input.size() - 5);
}

TEST(RequestParser, TheAuthorityOfAnAbsoluteTargetWinsOverHost) {
  const Taken taken("GET HTTP://real.example:8080?q HTTP/1.1\r\nHost: other\r\n\r\n");
  EXPECT_EQ(taken.request.form, TargetForm::kAbsolute);
  EXPECT_EQ(taken.request.authority, "real.example:8080");
  EXPECT_EQ(taken.request.path, "/");
  EXPECT_EQ(taken.request.query, "q");
}

TEST(RequestParser, OptionsOfAWholeServerInBothForms) {
  EXPECT_EQ(Taken("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").request.path, "*");
  EXPECT_EQ(Taken("OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n").request.path, "*");
  EXPECT_EQ(Taken("OPTIONS http://a/ HTTP/1.1\r\nHost: a\r\n\r\n").request.path, "/");
}

TEST(RequestParser, ConnectNamesAnAuthorityAndNoPath) {
  const Taken taken("CONNECT [::1]:443 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(taken.request.form, TargetForm::kAuthority);
  EXPECT_EQ(taken.request.authority, "[::1]:443");
  EXPECT_EQ(taken.request.path, "");
}

TEST(RequestParser, KeepAliveFollowsVersionAndConnection) {
  const struct {
    const char* version;
    const char* connection;
    bool keep_alive;
  } kCases[] = {
      {"1.1", "", true},
      {"1.1", "Connection: close\r\n", false},
      {"1.1", "Connection: Close\r\n", false},
      {"1.1", "Connection: keep-alive, close\r\n", false},
      {"1.1", "Connection: keep-alive\r\nConnection: x ,close\r\n", false},
      {"1.1", "Connection: closed\r\n", true},
      {"1.1", "Connection: upgrade\r\n", true},
      {"1.0", "", false},
      {"1.0", "Connection: keep-alive\r\n", true},
      {"1.0", "Connection: Keep-Alive\r\n", true},
      {"1.0", "Connection: , ,keep-alive\r\n", true},
      {"1.0", "Connection: keep-alive, close\r\n", false},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(std::string(c.version) + " " + c.connection);
    const Taken taken(std::string("GET / HTTP/") + c.version + "\r\nHost: a\r\n" + c.connection +
                      "\r\n");
    EXPECT_EQ(taken.request.keep_alive, c.keep_alive);
  }
}

TEST(RequestParser, ExpectationOf100IsHeardOnlyWhereABodyComesInHttp11) {
  const std::string expect = "Host: a\r\nExpect: 100-Continue\r\n";
  EXPECT_TRUE(
      Taken("POST / HTTP/1.1\r\nContent-Length: 1\r\n" + expect + "\r\n").request.expect_continue);
  EXPECT_FALSE(
      Taken("POST / HTTP/1.0\r\nContent-Length: 1\r\n" + expect + "\r\n").request.expect_continue);
  EXPECT_FALSE(Taken("POST / HTTP/1.1\r\n" + expect + "\r\n").request.expect_continue);
}

TEST(RequestParser, BodiesAreFramedByLengthOrChunksOrNotThere) {
  EXPECT_EQ(Taken(with("")).request.body.framing, Framing::kNone);
  EXPECT_EQ(Taken(with("Content-Length: 0\r\n")).request.body.framing, Framing::kNone);
  EXPECT_EQ(Taken(with("Transfer-Encoding: chunked\r\n")).request.body.framing, Framing::kChunked);
}

TEST(RequestParser, PipelinedRequestsAreTakenOneAfterTheOther) {
  const std::string one = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string two = "\r\nGET /2 HTTP/1.0\r\n\r\n";
  const std::string all = one + two + one;
  RequestParser parser(kLimits);
  Request request(kLimits.fields);
  std::string_view rest = all;
  std::string paths;
  while (!rest.empty()) {
    parser.start();
    ASSERT_EQ(parser.parse(rest, request), Parse::kDone);
    paths += request.path;
    rest.remove_prefix(request.head_size);
  }
  EXPECT_EQ(paths, "/1/2/1");
}

TEST(RequestParser, AFailureLastsUntilTheNextStart) {
  RequestParser parser(kLimits);
  Request request(kLimits.fields);
  EXPECT_EQ(parser.parse("\n", request), Parse::kFailed);
  EXPECT_EQ(parser.parse("GET / HTTP/1.0\r\n\r\n", request), Parse::kFailed);
  parser.start();
  EXPECT_EQ(parser.parse("GET / HTTP/1.0\r\n\r\n", request), Parse::kDone);
}

}  // namespace
}  // namespace roundhouse::http
