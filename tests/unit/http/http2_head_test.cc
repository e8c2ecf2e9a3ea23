// Heads of HTTP/2 messages: limits, cookies, and the requests and answers that they are (RFC 9113
// 8.2.3 and 8.3).
#include "http/http2_head.h"

#include <gtest/gtest.h>

#include <memory>

#include "http2_wire.h"

namespace roundhouse::http {
namespace {

using Added = std::initializer_list<std::pair<std::string_view, std::string_view>>;

std::unique_ptr<Http2Head> head_of(Added fields, bool ended = true, const HeadLimits& limits = {}) {
  auto head = std::make_unique<Http2Head>(200);
  head->start(limits);
  for (const auto& [name, value] : fields) EXPECT_TRUE(head->add(name, value));
  head->finish(ended);
  return head;
}

struct Read {
  explicit Read(Added fields, bool ended = true, const HeadLimits& limits = {})
      : head(head_of(fields, ended, limits)), failure(read_request(*head, request)) {}
  std::unique_ptr<Http2Head> head;
  Request request{200};
  Failure failure;
};

TEST(Http2Head, ARequestIsTakenApart) {
  const Read read({{":method", "POST"},
                   {":scheme", "https"},
                   {":authority", "x.example:81"},
                   {":path", "/a/b?c=d?e"},
                   {"x-a", "v w"},
                   {"content-length", "12"}},
                  false);
  ASSERT_EQ(read.failure, Failure::kNone);
  const Request& request = read.request;
  EXPECT_EQ(request.version, Version::kHttp2);
  EXPECT_EQ(request.method, Method::kPost);
  EXPECT_EQ(request.method_name, "POST");
  EXPECT_EQ(request.target, "/a/b?c=d?e");
  EXPECT_EQ(request.form, TargetForm::kOrigin);
  EXPECT_EQ(request.path, "/a/b");
  EXPECT_EQ(request.query, "c=d?e");
  EXPECT_EQ(request.authority, "x.example:81");
  ASSERT_EQ(request.fields.size(), 2u);
  EXPECT_EQ(request.fields.find("x-a"), "v w");
  EXPECT_EQ(request.fields[1].id, FieldId::kContentLength);
  EXPECT_EQ(request.body.framing, Framing::kLength);
  EXPECT_EQ(request.body.bytes, 12u);
  EXPECT_TRUE(request.keep_alive);
  EXPECT_FALSE(request.expect_continue);
}

TEST(Http2Head, ABodyOfUnknownLengthIsChunkedElsewhere) {
  const Added fields = {{":method", "PUT"},
                        {":scheme", "http"},
                        {":authority", "a"},
                        {":path", "/"},
                        {"expect", "100-continue"}};
  EXPECT_EQ(Read(fields, false).request.body.framing, Framing::kChunked);
  EXPECT_TRUE(Read(fields, false).request.expect_continue);
  EXPECT_EQ(Read(fields, true).request.body.framing, Framing::kNone);
  EXPECT_FALSE(Read(fields, true).request.expect_continue);
}

TEST(Http2Head, OptionsOfTheWholeServer) {
  const Read read(
      {{":method", "OPTIONS"}, {":scheme", "http"}, {":authority", "a"}, {":path", "*"}});
  EXPECT_EQ(read.failure, Failure::kNone);
  EXPECT_EQ(read.request.form, TargetForm::kAsterisk);
  EXPECT_EQ(read.request.path, "*");
}

TEST(Http2Head, ConnectNamesAnAuthorityAndNoPath) {
  const Read read({{":method", "CONNECT"}, {":authority", "a.test:443"}}, false);
  EXPECT_EQ(read.failure, Failure::kNone);
  EXPECT_EQ(read.request.form, TargetForm::kAuthority);
  EXPECT_EQ(read.request.authority, "a.test:443");
  EXPECT_EQ(read.request.path, "");
}

TEST(Http2Head, HostSpeaksWhereThereIsNoAuthority) {
  const Read read({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {"host", "b:8"}});
  EXPECT_EQ(read.failure, Failure::kNone);
  EXPECT_EQ(read.request.authority, "b:8");
}

struct Refused {
  const char* name;
  std::vector<std::pair<std::string, std::string>> changes;  // of a good request
  Failure failure;
};
void PrintTo(const Refused& one, std::ostream* out) { *out << one.name; }

class Http2Refused : public testing::TestWithParam<Refused> {};

// Whoever fills the head may have checked less than nghttp2 does.
TEST_P(Http2Refused, Request) {
  std::map<std::string, std::string> pseudo = {
      {":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a"}};
  Http2Head head(10);
  head.start({});
  for (const auto& [name, value] : GetParam().changes)
    if (pseudo.contains(name)) pseudo[name] = value;
  for (const auto& [name, value] : pseudo)
    if (!value.empty()) head.add(name, value);
  for (const auto& [name, value] : GetParam().changes)
    if (!pseudo.contains(name)) head.add(name, value);
  head.finish(true);
  Request request(10);
  EXPECT_EQ(row_of(read_request(head, request)).name, row_of(GetParam().failure).name);
}

const Refused kRefused[] = {
    {"NoMethod", {{":method", ""}}, Failure::kBadMethod},
    {"BadMethod", {{":method", "G(T"}}, Failure::kBadMethod},
    {"NoPath", {{":path", ""}}, Failure::kBadTarget},
    {"Fragment", {{":path", "/a#b"}}, Failure::kBadTarget},
    {"SpaceInPath", {{":path", "/a b"}}, Failure::kBadTarget},
    {"AbsolutePath", {{":path", "http://a/"}}, Failure::kTargetFormRefused},
    {"AsteriskOfGet", {{":path", "*"}}, Failure::kTargetFormRefused},
    {"NoScheme", {{":scheme", ""}}, Failure::kBadTarget},
    {"AnotherScheme", {{":scheme", "gopher"}}, Failure::kBadTarget},
    {"Protocol", {{":protocol", "websocket"}}, Failure::kBadTarget},
    {"NoAuthority", {{":authority", ""}}, Failure::kMissingHost},
    {"User", {{":authority", "u@a"}}, Failure::kBadHost},
    {"AnotherHost", {{"host", "b"}}, Failure::kBadHost},
    {"AnotherPort", {{"host", "a:80"}}, Failure::kBadHost},
    {"TwoHosts", {{"host", "a"}, {"host", "a"}}, Failure::kRepeatedHost},
    {"FieldName", {{"a b", "c"}}, Failure::kBadFieldName},
    {"FieldValue", {{"a", "b\nc"}}, Failure::kBadFieldValue},
    {"TwoLengths",
     {{"content-length", "1"}, {"content-length", "1"}},
     Failure::kRepeatedContentLength},
    {"BadLength", {{"content-length", "x"}}, Failure::kBadContentLength},
};
INSTANTIATE_TEST_SUITE_P(Each, Http2Refused, testing::ValuesIn(kRefused),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Http2Head, CookiesBecomeOneField) {
  const Read read({{":method", "GET"},
                   {":scheme", "http"},
                   {":path", "/"},
                   {":authority", "a"},
                   {"cookie", "a=b"},
                   {"x", "y"},
                   {"cookie", "c=d; e=f"},
                   {"cookie", "g=h"}});
  ASSERT_EQ(read.request.fields.size(), 2u);
  EXPECT_EQ(read.request.fields.find("cookie"), "a=b; c=d; e=f; g=h");
  EXPECT_EQ(read.request.fields.find("x"), "y");
}

TEST(Http2Head, LimitsAreExact) {
  const HeadLimits limits{.line_bytes = 10, .head_bytes = 300, .fields = 2};
  const auto of = [&](std::string_view path, Added more) {
    Http2Head head(10);
    head.start(limits);
    head.add(":method", "GET");   // 42 bytes, as HPACK counts
    head.add(":scheme", "http");  // 43
    head.add(":authority", "a");  // 43
    head.add(":path", path);      // 37 and the path
    for (const auto& [name, value] : more) head.add(name, value);
    head.finish(true);
    Request request(10);
    return read_request(head, request);
  };
  EXPECT_EQ(of("/23456789a", {}), Failure::kNone);
  EXPECT_EQ(of("/23456789ab", {}), Failure::kLineTooLong);
  EXPECT_EQ(of("/", {{"a", "b"}, {"c", "d"}}), Failure::kNone);
  EXPECT_EQ(of("/", {{"a", "b"}, {"c", "d"}, {"e", "f"}}), Failure::kTooManyFields);
  const std::string value(300 - 42 - 43 - 43 - 38 - 33, 'x');
  EXPECT_EQ(of("/", {{"a", value}}), Failure::kNone);
  EXPECT_EQ(of("/", {{"a", value + "x"}}), Failure::kHeadTooLong);
}

TEST(Http2Head, WhatIsMuchTooLongIsNotWaitedFor) {
  Http2Head head(10);
  head.start({.line_bytes = 10, .head_bytes = 1000, .fields = 5});
  std::size_t fields = 0;
  while (head.add("a", std::string(67, 'x'))) ASSERT_LT(++fields, 1000u);
  EXPECT_EQ(fields, 80u) << "eight times the limit";
}

TEST(Http2Head, TooLongAHeadShowsOnItsStream) {
  Wire server(Role::kServer, {.head = {.line_bytes = 100, .head_bytes = 1000, .fields = 5}});
  server.hear(h2::headers(1, h2::get_block() + h2::block({{"x", std::string(2000, 'x')}}), true));
  EXPECT_EQ(server.told(), "head 1 | end 1");
  Request request(10);
  EXPECT_EQ(read_request(server.head(), request), Failure::kHeadTooLong);
  EXPECT_FALSE(server.codec.finished());
}

// As an operator may have it: 1 MiB, in pieces of 16 KiB.
TEST(Http2Head, AsLongAHeadAsIsAllowedComesInManyPieces) {
  Wire server(Role::kServer, {.head = {.line_bytes = 100, .head_bytes = 1 << 20, .fields = 100}});
  std::string fields = h2::get_block();
  for (int i = 0; i < 20; ++i) fields += h2::block({{"x", std::string(50'000, 'x')}});
  std::string bytes = h2::frame(h2::kHeaders, h2::kEndStream, 1, fields.substr(0, 16384));
  for (std::size_t at = 16384; at < fields.size(); at += 16384)
    bytes += h2::frame(h2::kContinuation, at + 16384 < fields.size() ? 0 : h2::kEndHeaders, 1,
                       fields.substr(at, 16384));
  server.hear(bytes);
  EXPECT_EQ(server.told(), "head 1 | end 1");
  Request request(100);
  EXPECT_EQ(read_request(server.head(), request), Failure::kNone);
  EXPECT_EQ(request.fields.size(), 20u);
}

TEST(Http2Head, HeadsOfThePoolStartAfresh) {
  Http2HeadPool pool(10);
  auto head = pool.acquire({});
  Http2Head* const first = head.get();
  head->add(":path", std::string(10'000, 'x'));
  head->add("cookie", "a");
  head->add("cookie", "b");
  head->finish(true);
  EXPECT_EQ(head->failure, Failure::kLineTooLong);
  pool.release(std::move(head));
  head = pool.acquire({});
  EXPECT_EQ(head.get(), first);
  head->add("x", "y");
  head->finish(false);
  EXPECT_EQ(head->failure, Failure::kNone);
  EXPECT_EQ(head->path, "");
  EXPECT_EQ(head->fields.size(), 1u);
  EXPECT_FALSE(head->ended);
}

struct Answered {
  std::string_view status;
  std::string_view length;  // empty: none
  bool ended;
  Method asked;
  Failure failure;
  Framing framing = Framing::kNone;
};

TEST(Http2Head, AnAnswerIsWhatItsStatusAndItsRequestSay) {
  const Answered kTable[] = {
      {"200", "", false, Method::kGet, Failure::kNone, Framing::kChunked},
      {"200", "", true, Method::kGet, Failure::kNone, Framing::kNone},
      {"200", "3", false, Method::kGet, Failure::kNone, Framing::kLength},
      {"200", "0", true, Method::kGet, Failure::kNone, Framing::kNone},
      {"200", "3", true, Method::kHead, Failure::kNone, Framing::kNone},
      {"200", "", false, Method::kHead, Failure::kNone, Framing::kNone},
      {"204", "", true, Method::kGet, Failure::kNone, Framing::kNone},
      {"304", "3", true, Method::kGet, Failure::kNone, Framing::kNone},
      {"103", "", false, Method::kGet, Failure::kNone, Framing::kNone},
      {"200", "x", false, Method::kGet, Failure::kBadContentLength},
      {"099", "", true, Method::kGet, Failure::kBadStatusLine},
      {"600", "", true, Method::kGet, Failure::kBadStatusLine},
      {"20", "", true, Method::kGet, Failure::kBadStatusLine},
      {"2000", "", true, Method::kGet, Failure::kBadStatusLine},
      {"2x0", "", true, Method::kGet, Failure::kBadStatusLine},
      {"", "", true, Method::kGet, Failure::kBadStatusLine},
  };
  for (const Answered& row : kTable) {
    Http2Head head(10);
    head.start({});
    head.add(":status", row.status);
    if (!row.length.empty()) head.add("content-length", row.length);
    head.finish(row.ended);
    Response response(10);
    EXPECT_EQ(read_response(head, row.asked, response), row.failure) << row.status;
    if (row.failure != Failure::kNone) continue;
    EXPECT_EQ(std::to_string(response.status), row.status);
    EXPECT_EQ(response.body.framing, row.framing) << row.status << ' ' << row.length;
    EXPECT_EQ(response.version, Version::kHttp2);
  }
}

TEST(Http2Head, AnAnswerTooLongOrIllFormedIsRefused) {
  Response response(10);
  auto head = head_of({{":status", "200"}, {"a b", "c"}});
  EXPECT_EQ(read_response(*head, Method::kGet, response), Failure::kBadFieldName);
  head = head_of({{":status", "200"}, {"a", "b\rc"}});
  EXPECT_EQ(read_response(*head, Method::kGet, response), Failure::kBadFieldValue);
  head = head_of({{":status", "200"}, {"a", std::string(20'000, 'x')}});
  EXPECT_EQ(read_response(*head, Method::kGet, response), Failure::kHeadTooLong);
}

TEST(Http2Head, TrailersMustFitAndFrameNothing) {
  EXPECT_EQ(check_trailers(*head_of({{"x-sum", "1"}})), Failure::kNone);
  EXPECT_EQ(check_trailers(*head_of({{"a b", "c"}})), Failure::kBadFieldName);
  EXPECT_EQ(check_trailers(*head_of({{"host", "a"}})), Failure::kForbiddenTrailer);
  EXPECT_EQ(check_trailers(*head_of({{"content-length", "3"}})), Failure::kForbiddenTrailer);
  EXPECT_EQ(check_trailers(*head_of({{"a", std::string(20'000, 'x')}})), Failure::kHeadTooLong);
  const HeadLimits few{.fields = 1};
  EXPECT_EQ(check_trailers(*head_of({{"a", "b"}, {"c", "d"}}, true, few)), Failure::kTooManyFields);
}

}  // namespace
}  // namespace roundhouse::http
