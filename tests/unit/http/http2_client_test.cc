// HTTP/2 as a client: requests that are sent, and what a server may answer (RFC 9113 8.1 to 8.4).
#include <gtest/gtest.h>

#include "http2_wire.h"

namespace roundhouse::http {
namespace {

std::string answer(std::uint32_t stream, std::string_view status, bool ended, h2::Lines more = {}) {
  return h2::headers(stream, h2::block({{":status", status}}) + h2::block(more), ended);
}

// A client with one request that has gone out.
struct Asked : Wire {
  explicit Asked(std::string_view method = "GET") : Wire(Role::kClient) {
    open(true, method);
    EXPECT_EQ(said(), "HEADERS 1 END");
  }
};

TEST(Http2Client, ARequestGoesOutAndIsAnswered) {
  Wire client(Role::kClient);
  Http2Stream* const stream = client.open(true);
  ASSERT_NE(stream, nullptr);
  EXPECT_EQ(stream->id(), 1);
  EXPECT_EQ(client.codec.streams(), 1u);
  EXPECT_EQ(client.said(), "HEADERS 1 END");
  client.hear(answer(1, "200", false, {{"x", "y"}}) + h2::data(1, "abc", true));
  EXPECT_EQ(client.told(), "head 1 200 | data 1 'abc' | end 1 | closed 1 NO_ERROR");
  EXPECT_EQ(client.head().fields.find("x"), "y");
  EXPECT_EQ(client.codec.streams(), 0u);
  ASSERT_NE(client.open(true), nullptr);
  EXPECT_EQ(client.stream(3).id(), 3);
}

TEST(Http2Client, ABodyGoesBehindItsHead) {
  Wire client(Role::kClient);
  client.open(false, "POST");
  EXPECT_EQ(client.write(1, "abc", false).taken, 3u);
  EXPECT_TRUE(client.write(1, "de", true).ended);
  EXPECT_EQ(client.said(), "HEADERS 1 | DATA 1 'abc' | DATA 1 'de' END");
}

TEST(Http2Client, TrailersEndABody) {
  Wire client(Role::kClient);
  client.open(false, "POST");
  client.write(1, "abc", false);
  const Field field{.name = "X-Sum", .value = "1"};
  client.codec.end(client.stream(1), {&field, 1});
  EXPECT_EQ(client.said(), "HEADERS 1 | DATA 1 'abc' | HEADERS 1 END");
}

TEST(Http2Client, WhatItSendsAServerUnderstands) {
  Wire client(Role::kClient);
  Wire server(Role::kServer);
  const std::array<Field, 2> fields = {Field{.name = "X-Mixed", .value = "Case"},
                                       Field{.name = "cookie", .value = "a=b"}};
  client.codec.request({.method = "PUT",
                        .scheme = "https",
                        .authority = "a.test:8443",
                        .path = "/p?q",
                        .fields = fields,
                        .ended = true});
  for (const h2::Frame& frame : client.sent())
    server.hear(h2::frame(frame.type, frame.flags, frame.stream, frame.payload));
  EXPECT_EQ(server.told(), "head 1 | end 1");
  Request request(Wire::kFieldsMax);
  ASSERT_EQ(read_request(server.head(), request), Failure::kNone);
  EXPECT_EQ(request.method, Method::kPut);
  EXPECT_EQ(request.authority, "a.test:8443");
  EXPECT_EQ(request.path, "/p");
  EXPECT_EQ(request.query, "q");
  EXPECT_EQ(request.fields.find("x-mixed"), "Case");
  EXPECT_EQ(request.fields[0].name, "x-mixed");
}

TEST(Http2Client, InterimAnswersComeBeforeTheFinalOne) {
  Asked client;
  client.hear(answer(1, "103", false, {{"link", "a"}}) + answer(1, "100", false));
  EXPECT_EQ(client.told(), "head 1 103 | head 1 100");
  client.hear(answer(1, "200", false) + h2::headers(1, h2::block({{"x", "y"}}), true));
  EXPECT_EQ(client.told(), "head 1 200 | trailers 1 | end 1 | closed 1 NO_ERROR");
}

struct Case {
  const char* name;
  std::string bytes;
  const char* method = "GET";
};
void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

class Http2GoodAnswer : public testing::TestWithParam<Case> {};

TEST_P(Http2GoodAnswer, IsTaken) {
  Asked client(GetParam().method);
  client.hear(GetParam().bytes);
  EXPECT_TRUE(client.told().ends_with("end 1 | closed 1 NO_ERROR"));
  EXPECT_EQ(client.said(), "");
}

const Case kGood[] = {
    {"OfHead", answer(1, "200", true, {{"content-length", "9"}}), "HEAD"},
    {"OfHeadWithEmptyData",
     answer(1, "200", false, {{"content-length", "9"}}) + h2::data(1, "", true), "HEAD"},
    {"NotModified", answer(1, "304", true, {{"content-length", "9"}})},
    {"NoContent", answer(1, "204", true)},
    {"Length", answer(1, "200", false, {{"content-length", "3"}}) + h2::data(1, "abc", true)},
    {"EmptyTrailers", answer(1, "200", false) + h2::headers(1, "", true)},
    {"OwnStatus", answer(1, "599", true)},
};
INSTANTIATE_TEST_SUITE_P(Each, Http2GoodAnswer, testing::ValuesIn(kGood),
                         [](const auto& info) { return std::string(info.param.name); });

class Http2BadAnswer : public testing::TestWithParam<Case> {};

TEST_P(Http2BadAnswer, ResetsItsStream) {
  Asked client(GetParam().method);
  client.hear(GetParam().bytes);
  EXPECT_FALSE(client.told().contains("end 1"));
  EXPECT_EQ(client.said(), "RST_STREAM 1 PROTOCOL_ERROR");
  EXPECT_EQ(client.told(), "closed 1 PROTOCOL_ERROR");
  EXPECT_FALSE(client.codec.finished());
  EXPECT_TRUE(client.codec.may_open());
}

const std::string kNul(1, '\0');
const Case kBad[] = {
    // 8.3.2
    {"NoStatus", h2::headers(1, h2::block({{"x", "y"}}), true)},
    {"StatusTwice", answer(1, "200", true, {{":status", "200"}})},
    {"StatusBehindAField", h2::headers(1, h2::block({{"x", "y"}, {":status", "200"}}), true)},
    {"PathOfAnAnswer", answer(1, "200", true, {{":path", "/"}})},
    {"UnknownPseudo", answer(1, "200", true, {{":x", "y"}})},
    {"StatusOfTwoDigits", answer(1, "20", true)},
    {"StatusOfFourDigits", answer(1, "2000", true)},
    {"StatusOfLetters", answer(1, "2xx", true)},
    {"StatusEmpty", answer(1, "", true)},
    // 8.6
    {"SwitchingProtocols", answer(1, "101", false)},
    // 8.1
    {"InterimThatEnds", answer(1, "103", true)},
    {"InterimInsteadOfTrailers", answer(1, "200", false) + answer(1, "103", false)},
    {"TwoAnswers", answer(1, "200", false) + answer(1, "200", true)},
    {"DataBehindAnInterimAnswer", answer(1, "103", false) + h2::data(1, "x")},
    {"TrailersWithoutTheEnd",
     answer(1, "200", false) + h2::headers(1, h2::block({{"x", "y"}}), false)},
    {"StatusInTrailers", answer(1, "200", false) + answer(1, "200", true)},
    // 8.1.1
    {"LengthWithoutBody", answer(1, "200", true, {{"content-length", "3"}})},
    {"TooLittle", answer(1, "200", false, {{"content-length", "3"}}) + h2::data(1, "ab", true)},
    {"TooMuch", answer(1, "200", false, {{"content-length", "3"}}) + h2::data(1, "abcd", true)},
    {"LengthTwice", answer(1, "200", true, {{"content-length", "0"}, {"content-length", "0"}})},
    {"LengthOfNoContent", answer(1, "204", true, {{"content-length", "3"}})},
    {"LengthOfInterim", answer(1, "103", false, {{"content-length", "3"}})},
    {"BodyOfHead", answer(1, "200", false) + h2::data(1, "x", true), "HEAD"},
    {"BodyOfNotModified", answer(1, "304", false) + h2::data(1, "x", true)},
    {"BodyOfNoContent", answer(1, "204", false) + h2::data(1, "x", true)},
    // 8.2
    {"UpperCase", answer(1, "200", true, {{"X", "y"}})},
    {"NulInValue", answer(1, "200", true, {{"x", kNul}})},
    {"LineFeedInValue", answer(1, "200", true, {{"x", "a\nb: c"}})},
    {"SpaceBeforeValue", answer(1, "200", true, {{"x", " y"}})},
    {"Connection", answer(1, "200", true, {{"connection", "close"}})},
    {"KeepAlive", answer(1, "200", true, {{"keep-alive", "timeout=5"}})},
    {"ProxyConnection", answer(1, "200", true, {{"proxy-connection", "close"}})},
    {"TransferEncoding", answer(1, "200", false, {{"transfer-encoding", "chunked"}})},
    {"Upgrade", answer(1, "200", true, {{"upgrade", "h2c"}})},
};
INSTANTIATE_TEST_SUITE_P(Each, Http2BadAnswer, testing::ValuesIn(kBad),
                         [](const auto& info) { return std::string(info.param.name); });

class Http2BadServer : public testing::TestWithParam<Case> {};

TEST_P(Http2BadServer, EndsTheConnection) {
  Asked client;
  client.hear(GetParam().bytes);
  EXPECT_EQ(client.told(), "");
  const std::string said = client.said();
  EXPECT_TRUE(said.starts_with("GOAWAY 0 last 0 ")) << said;
  EXPECT_TRUE(client.codec.finished());
  EXPECT_NE(client.codec.error(), Http2Error::kNone);
  EXPECT_FALSE(client.codec.may_open());
  EXPECT_EQ(client.open(true), nullptr);
}

const Case kBadServers[] = {
    // 8.4: it was told not to
    {"Push", h2::frame(h2::kPushPromise, h2::kEndHeaders, 1, h2::number(2, 4) + h2::get_block())},
    {"StreamOfItsOwn", answer(2, "200", true)},
    {"StreamThatWeDidNotOpen", answer(3, "200", true)},
    {"DataBeforeTheHead", h2::data(1, "x")},
    {"EnablesPush", h2::settings(h2::setting(h2::kEnablePush, 1))},
    {"ResetOfAnIdleStream", h2::rst_stream(3, 8)},
    {"WindowUpdateOfAnIdleStream", h2::window_update(3, 8)},
    {"GoawayOfAStream", h2::frame(h2::kGoaway, 0, 1, h2::number(0, 8))},
};
INSTANTIATE_TEST_SUITE_P(Each, Http2BadServer, testing::ValuesIn(kBadServers),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Http2Client, AServerThatExceedsAStreamsWindowLosesTheStream) {
  Wire client(Role::kClient, {.head = {}, .stream_window = 100, .session_window = 65535});
  client.open(true);
  client.said();
  client.hear(answer(1, "200", false) + h2::data(1, std::string(100, 'x')));
  client.told();
  client.hear(h2::data(1, "x"));
  EXPECT_EQ(client.said(), "RST_STREAM 1 FLOW_CONTROL_ERROR");
  EXPECT_TRUE(client.told().ends_with("closed 1 FLOW_CONTROL_ERROR"));
}

// 8.1: the rest of the request need not be sent.
TEST(Http2Client, AnAnswerMayComeBeforeItsRequestIsWhole) {
  Wire client(Role::kClient);
  client.open(false, "POST");
  client.write(1, "abc", false);
  client.said();
  client.hear(answer(1, "413", true) + h2::rst_stream(1, 0));
  EXPECT_EQ(client.told(), "head 1 413 | end 1 | closed 1 NO_ERROR");
  EXPECT_EQ(client.said(), "");
}

TEST(Http2Client, ARefusedStreamSaysSo) {
  Asked client;
  client.hear(h2::rst_stream(1, 7));
  EXPECT_EQ(client.told(), "closed 1 REFUSED_STREAM");
}

TEST(Http2Client, AResetHidesTheAnswer) {
  Asked client;
  client.codec.reset(client.stream(1), Http2Error::kCancel);
  client.hear(answer(1, "200", false) + h2::data(1, "x"));
  EXPECT_EQ(client.told(), "");
  EXPECT_EQ(client.said(), "RST_STREAM 1 CANCEL");
  EXPECT_EQ(client.told(), "closed 1 CANCEL");
}

TEST(Http2Client, ARequestThatIsResetBeforeItWentOutIsClosedAndNeverSent) {
  Wire client(Role::kClient);
  client.codec.reset(*client.open(true), Http2Error::kCancel);
  EXPECT_EQ(client.said(), "");
  EXPECT_EQ(client.told(), "closed 1 CANCEL");
  EXPECT_EQ(client.codec.streams(), 0u);
  EXPECT_TRUE(client.codec.may_open());
}

TEST(Http2Client, TheServersLimitOfStreamsIsKept) {
  Wire client(Role::kClient, {}, h2::setting(h2::kMaxConcurrentStreams, 2));
  EXPECT_NE(client.open(true), nullptr);
  EXPECT_TRUE(client.codec.may_open());
  EXPECT_NE(client.open(true), nullptr);
  EXPECT_FALSE(client.codec.may_open());
  EXPECT_EQ(client.open(true), nullptr);
  EXPECT_EQ(client.said(), "HEADERS 1 END | HEADERS 3 END");
  client.hear(answer(1, "200", true));
  EXPECT_TRUE(client.codec.may_open());
  client.hear(h2::settings(h2::setting(h2::kMaxConcurrentStreams, 0)));
  EXPECT_FALSE(client.codec.may_open());
  client.hear(h2::settings(h2::setting(h2::kMaxConcurrentStreams, 3)));
  EXPECT_TRUE(client.codec.may_open());
}

TEST(Http2Client, ALimitThatShrinksHoldsBackWhatHasNotGoneOut) {
  Wire client(Role::kClient);
  client.open(true);
  client.said();
  client.open(true);
  client.hear(h2::settings(h2::setting(h2::kMaxConcurrentStreams, 1)));
  EXPECT_EQ(client.said(), "SETTINGS 0 ACK");
  client.hear(answer(1, "200", true));
  EXPECT_EQ(client.said(), "HEADERS 3 END");
}

}  // namespace
}  // namespace roundhouse::http
