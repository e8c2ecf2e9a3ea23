// What a server takes for a request (RFC 9113 8.1 to 8.5): a stream that breaks a rule is reset and
// never shows, or its head says so when it is read.
#include <gtest/gtest.h>

#include "http2_wire.h"

namespace roundhouse::http {
namespace {

std::string good(h2::Lines more) { return h2::get_block() + h2::block(more); }

struct Case {
  const char* name;
  std::string fields;
  Failure failure = Failure::kNone;  // of a head that shows
};
void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

// Of one request without a body.
class Http2BadRequest : public testing::TestWithParam<Case> {};

TEST_P(Http2BadRequest, IsResetAndNeverShows) {
  Wire server(Role::kServer);
  server.hear(h2::headers(1, GetParam().fields, true) + h2::get(3));
  EXPECT_EQ(server.told(), "head 3 | end 3");
  EXPECT_EQ(server.said(), "RST_STREAM 1 PROTOCOL_ERROR");
  EXPECT_EQ(server.told(), "");
  EXPECT_EQ(server.codec.streams(), 1u);
  EXPECT_FALSE(server.codec.finished());
}

TEST_P(Http2BadRequest, IsResetByteByByte) {
  Wire server(Role::kServer);
  server.hear_byte_by_byte(h2::headers(1, GetParam().fields, false) + h2::data(1, "abc") +
                           h2::data(1, "", true) + h2::get(3));
  EXPECT_EQ(server.told(), "head 3 | end 3");
  EXPECT_EQ(server.said(), "RST_STREAM 1 PROTOCOL_ERROR");
}

const std::string kNul(1, '\0');
const Case kBad[] = {
    // 8.2.1
    {"UpperCase", good({{"X-a", "b"}})},
    {"UpperCaseLast", good({{"x-A", "b"}})},
    {"EmptyName", good({{"", "b"}})},
    {"SpaceInName", good({{"a b", "c"}})},
    {"ColonInName", good({{"a:b", "c"}})},
    {"ControlInName", good({{"a\x01", "c"}})},
    {"HighByteInName", good({{"a\xc3", "c"}})},
    {"NulInValue", good({{"a", kNul}})},
    {"LineFeedInValue", good({{"a", "b\nc"}})},
    {"CarriageReturnInValue", good({{"a", "b\rc"}})},
    {"SpaceBeforeValue", good({{"a", " b"}})},
    {"SpaceBehindValue", good({{"a", "b "}})},
    {"TabBeforeValue", good({{"a", "\tb"}})},
    {"TabBehindValue", good({{"a", "b\t"}})},
    // 8.2.2
    {"Connection", good({{"connection", "close"}})},
    {"KeepAlive", good({{"keep-alive", "1"}})},
    {"ProxyConnection", good({{"proxy-connection", "close"}})},
    {"TransferEncoding", good({{"transfer-encoding", "chunked"}})},
    {"Upgrade", good({{"upgrade", "websocket"}})},
    {"Te", good({{"te", "gzip"}})},
    {"TeWithMore", good({{"te", "trailers, gzip"}})},
    // 8.3
    {"PseudoBehindAField", h2::block({{":method", "GET"},
                                      {":scheme", "http"},
                                      {"x", "y"},
                                      {":path", "/"},
                                      {":authority", "a"}})},
    {"MethodTwice", good({}) + h2::block({{":method", "GET"}})},
    {"PathTwice", h2::block({{":path", "/"}}) + good({})},
    {"AuthorityTwice", h2::block({{":authority", "a"}}) + good({})},
    {"SchemeTwice", h2::block({{":scheme", "http"}}) + good({})},
    {"UnknownPseudo", h2::block({{":x", "y"}}) + good({})},
    {"StatusOfARequest", h2::block({{":status", "200"}}) + good({})},
    {"NoMethod", h2::block({{":scheme", "http"}, {":path", "/"}, {":authority", "a"}})},
    {"NoScheme", h2::block({{":method", "GET"}, {":path", "/"}, {":authority", "a"}})},
    {"NoPath", h2::block({{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}})},
    {"NoAuthorityNorHost", h2::block({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}})},
    {"EmptyPath",
     h2::block({{":method", "GET"}, {":scheme", "http"}, {":path", ""}, {":authority", "a"}})},
    {"PathWithoutSlash",
     h2::block({{":method", "GET"}, {":scheme", "http"}, {":path", "a"}, {":authority", "a"}})},
    {"AsteriskOfGet",
     h2::block({{":method", "GET"}, {":scheme", "http"}, {":path", "*"}, {":authority", "a"}})},
    {"EmptyMethod",
     h2::block({{":method", ""}, {":scheme", "http"}, {":path", "/"}, {":authority", "a"}})},
    {"SpaceInMethod",
     h2::block({{":method", "G T"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a"}})},
    {"SpaceInPath",
     h2::block({{":method", "GET"}, {":scheme", "http"}, {":path", "/ x"}, {":authority", "a"}})},
    {"SpaceInAuthority",
     h2::block({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a b"}})},
    {"SlashInScheme",
     h2::block({{":method", "GET"}, {":scheme", "http/"}, {":path", "/"}, {":authority", "a"}})},
    {"HostTwice", good({{"host", "a"}, {"host", "a"}})},
    {"ContentLengthTwice", good({{"content-length", "3"}, {"content-length", "3"}})},
    {"ContentLengthList", good({{"content-length", "3, 3"}})},
    {"ContentLengthWithSign", good({{"content-length", "+3"}})},
    {"ContentLengthEmpty", good({{"content-length", ""}})},
    {"ContentLengthTooLarge", good({{"content-length", "99999999999999999999"}})},
    // 8.5, RFC 8441
    {"ConnectWithPath", h2::block({{":method", "CONNECT"}, {":path", "/"}, {":authority", "a:1"}})},
    {"ConnectWithScheme",
     h2::block({{":method", "CONNECT"}, {":scheme", "http"}, {":authority", "a:1"}})},
    {"ConnectWithoutAuthority", h2::block({{":method", "CONNECT"}})},
    {"ExtendedConnect", h2::block({{":method", "CONNECT"},
                                   {":protocol", "websocket"},
                                   {":scheme", "http"},
                                   {":path", "/"},
                                   {":authority", "a"}})},
};
INSTANTIATE_TEST_SUITE_P(Each, Http2BadRequest, testing::ValuesIn(kBad),
                         [](const auto& info) { return std::string(info.param.name); });

std::string of(std::string_view method, std::string_view scheme, std::string_view path,
               std::string_view authority) {
  return h2::block(
      {{":method", method}, {":scheme", scheme}, {":path", path}, {":authority", authority}});
}

// What shows is read, and refused or taken there.
class Http2Request : public testing::TestWithParam<Case> {};

TEST_P(Http2Request, IsRead) {
  Wire server(Role::kServer);
  server.hear(h2::headers(1, GetParam().fields, true));
  ASSERT_EQ(server.told(), "head 1 | end 1");
  Request request(Wire::kFieldsMax);
  EXPECT_EQ(row_of(read_request(server.head(), request)).name, row_of(GetParam().failure).name);
}

const Case kRead[] = {
    {"Plain", good({})},
    {"Https", of("GET", "https", "/", "a")},
    {"TeTrailers", good({{"te", "trailers"}})},
    {"HighBytesInValue", good({{"x", "\xc3\xa4"}})},
    {"EmptyValue", good({{"x", ""}})},
    {"Query", of("GET", "http", "/a?b=c?d", "a")},
    {"OwnMethod", of("BREW", "http", "/", "a")},
    {"Asterisk", of("OPTIONS", "http", "*", "a")},
    {"HostAlone",
     h2::block({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {"host", "a"}})},
    {"HostOfAnotherCase", good({{"host", "A"}})},
    {"PseudoInAnyOrder",
     h2::block({{":path", "/"}, {":authority", "a"}, {":method", "GET"}, {":scheme", "http"}})},
    {"Ipv6", of("GET", "http", "/", "[::1]:80")},
    {"HostDiffers", good({{"host", "b"}}), Failure::kBadHost},
    {"UserInAuthority", of("GET", "http", "/", "u@a"), Failure::kBadHost},
    {"UserAndPassword", of("GET", "http", "/", "u:p@a"), Failure::kBadHost},
    {"BadPort", of("GET", "http", "/", "a:99999"), Failure::kBadHost},
    {"Expect", good({{"expect", "x"}}), Failure::kUnknownExpectation},
    {"AnotherScheme", of("GET", "ftp", "/", "a"), Failure::kBadTarget},
    {"Connect", h2::block({{":method", "CONNECT"}, {":authority", "a:443"}})},
    {"ConnectWithoutPort", h2::block({{":method", "CONNECT"}, {":authority", "a"}}),
     Failure::kTargetFormRefused},
};
INSTANTIATE_TEST_SUITE_P(Each, Http2Request, testing::ValuesIn(kRead),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Http2Requests, AFragmentIsNoPartOfATarget) {
  Wire server(Role::kServer);
  server.hear(h2::headers(1, of("GET", "http", "/a#b", "a"), true));
  if (server.told().empty()) {
    EXPECT_EQ(server.said(), "RST_STREAM 1 PROTOCOL_ERROR");
    return;
  }
  Request request(Wire::kFieldsMax);
  EXPECT_EQ(read_request(server.head(), request), Failure::kBadTarget);
}

// 8.1.1: Content-Length and the data must agree.
struct Body {
  const char* name;
  const char* length;
  std::string data;
  const char* told;
};
void PrintTo(const Body& one, std::ostream* out) { *out << one.name; }

class Http2ContentLength : public testing::TestWithParam<Body> {};

TEST_P(Http2ContentLength, IsHeld) {
  Wire server(Role::kServer);
  server.hear(
      h2::headers(1, h2::post_block() + h2::block({{"content-length", GetParam().length}}), false));
  server.hear(GetParam().data);
  EXPECT_EQ(server.told(), "head 1" + std::string(GetParam().told));
  const bool is_good = std::string_view(GetParam().told).ends_with("end 1");
  EXPECT_EQ(server.said(), is_good ? "" : "RST_STREAM 1 PROTOCOL_ERROR");
  EXPECT_EQ(server.told(), is_good ? "" : "closed 1 PROTOCOL_ERROR");
}

const Body kBodies[] = {
    {"Exact", "3", h2::data(1, "abc", true), " | data 1 'abc' | end 1"},
    {"ExactInPieces", "3", h2::data(1, "ab") + h2::data(1, "c") + h2::data(1, "", true),
     " | data 1 'ab' | data 1 'c' | end 1"},
    {"ExactBeforeTrailers", "1", h2::data(1, "a") + h2::headers(1, h2::block({{"x", "y"}}), true),
     " | data 1 'a' | trailers 1 | end 1"},
    {"Nothing", "0", h2::data(1, "", true), " | end 1"},
    {"TooLittle", "3", h2::data(1, "ab", true), " | data 1 'ab'"},
    {"TooMuch", "3", h2::data(1, "abcd", true), ""},
    {"TooMuchLater", "3", h2::data(1, "abc") + h2::data(1, "d"), " | data 1 'abc'"},
    {"SomethingOfNothing", "0", h2::data(1, "a", true), ""},
    {"TooLittleBeforeTrailers", "2",
     h2::data(1, "a") + h2::headers(1, h2::block({{"x", "y"}}), true), " | data 1 'a'"},
};
INSTANTIATE_TEST_SUITE_P(Each, Http2ContentLength, testing::ValuesIn(kBodies),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Http2Requests, AContentLengthWithoutABodyNeverShows) {
  Wire server(Role::kServer);
  server.hear(h2::headers(1, h2::post_block() + h2::block({{"content-length", "3"}}), true));
  EXPECT_EQ(server.told(), "");
  EXPECT_EQ(server.said(), "RST_STREAM 1 PROTOCOL_ERROR");
}

class Http2BadTrailers : public testing::TestWithParam<Case> {};

TEST_P(Http2BadTrailers, ResetTheirStream) {
  Wire server(Role::kServer);
  const bool ends = GetParam().failure == Failure::kNone;
  server.hear(h2::post(1) + h2::data(1, "a") + h2::headers(1, GetParam().fields, ends));
  EXPECT_EQ(server.told(), "head 1 | data 1 'a'");
  EXPECT_EQ(server.said(), "RST_STREAM 1 PROTOCOL_ERROR");
  EXPECT_EQ(server.told(), "closed 1 PROTOCOL_ERROR");
}

const Case kTrailers[] = {
    {"Pseudo", h2::block({{":path", "/"}})},
    {"StatusOfAnAnswer", h2::block({{":status", "200"}})},
    {"UpperCase", h2::block({{"X", "y"}})},
    {"Connection", h2::block({{"connection", "close"}})},
    {"TransferEncoding", h2::block({{"transfer-encoding", "chunked"}})},
    {"NulInValue", h2::block({{"x", kNul}})},
    {"WithoutTheEnd", h2::block({{"x", "y"}}), Failure::kForbiddenTrailer},
    {"AnotherHead", h2::get_block()},
};
INSTANTIATE_TEST_SUITE_P(Each, Http2BadTrailers, testing::ValuesIn(kTrailers),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Http2Requests, TrailersEndTheBody) {
  Wire server(Role::kServer);
  server.hear(h2::post(1) + h2::headers(1, h2::block({{"x-sum", "1"}, {"x-b", ""}}), true));
  EXPECT_EQ(server.told(), "head 1 | trailers 1 | end 1");
  EXPECT_EQ(server.head().fields.find("x-sum"), "1");
  EXPECT_TRUE(server.head().ended);
}

TEST(Http2Requests, AStreamThatWasResetForItsHeadIsNotResetAgainForItsBody) {
  Wire server(Role::kServer);
  server.hear(h2::headers(1, good({{"A", "b"}, {"C", "d"}, {"connection", "x"}}), false) +
              h2::data(1, "abc") + h2::headers(1, h2::block({{"E", "f"}}), true));
  EXPECT_EQ(server.said(), "RST_STREAM 1 PROTOCOL_ERROR");
}

}  // namespace
}  // namespace roundhouse::http
