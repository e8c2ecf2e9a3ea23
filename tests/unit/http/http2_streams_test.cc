// Streams of HTTP/2: their states, numbers and errors (RFC 9113 5.1 and 5.4), as a server.
#include <gtest/gtest.h>

#include "http2_wire.h"

namespace roundhouse::http {
namespace {

TEST(Http2Streams, ARequestWithoutABodyIsAHeadAndItsEnd) {
  Wire server(Role::kServer);
  server.hear(h2::get(1));
  EXPECT_EQ(server.told(), "head 1 | end 1");
  EXPECT_EQ(server.head().method, "GET");
  EXPECT_EQ(server.head().scheme, "http");
  EXPECT_EQ(server.head().path, "/");
  EXPECT_EQ(server.head().authority, "a");
  EXPECT_TRUE(server.head().ended);
  EXPECT_EQ(server.codec.streams(), 1u);
  server.codec.answer(server.stream(1), 204, {}, true);
  EXPECT_EQ(server.said(), "HEADERS 1 END");
  EXPECT_EQ(server.told(), "closed 1 NO_ERROR");
  EXPECT_EQ(server.codec.streams(), 0u);
  EXPECT_FALSE(server.codec.finished());
}

TEST(Http2Streams, ABodyIsData) {
  Wire server(Role::kServer);
  server.hear(h2::post(1) + h2::data(1, "abc"));
  EXPECT_EQ(server.told(), "head 1 | data 1 'abc'");
  EXPECT_FALSE(server.head().ended);
  server.hear(h2::data(1, "") + h2::data(1, "de", true));
  EXPECT_EQ(server.told(), "data 1 'de' | end 1");
  server.codec.answer(server.stream(1), 200, {}, false);
  EXPECT_EQ(server.write(1, "xyz", true).ended, true);
  EXPECT_EQ(server.said(), "HEADERS 1 | DATA 1 'xyz' END");
  EXPECT_EQ(server.told(), "closed 1 NO_ERROR");
}

TEST(Http2Streams, TheSameByteByByte) {
  Wire server(Role::kServer);
  server.hear_byte_by_byte(h2::post(1) + h2::data(1, "abc") + h2::get(3) + h2::data(1, "", true));
  EXPECT_EQ(server.told(),
            "head 1 | data 1 'a' | data 1 'b' | data 1 'c' | head 3 | end 3 | end 1");
  EXPECT_EQ(server.said(), "");
}

TEST(Http2Streams, ThePrefaceByteByByte) {
  Http2HeadPool heads(10);
  Http2Codec codec(Role::kServer, {}, heads);
  for (const char byte : std::string(kHttp2Preface) + h2::settings()) {
    codec.receive(std::string(1, byte), {});
    EXPECT_FALSE(codec.finished());
  }
}

TEST(Http2Streams, AnotherPrefaceIsAConnectionError) {
  Http2HeadPool heads(10);
  Http2Codec codec(Role::kServer, {}, heads);
  codec.receive("PRI * HTTP/2.0\r\n\r\nGET / HTTP/1.1\r\n\r\n", {});
  std::array<char, 200> room;
  codec.produce(room);
  EXPECT_TRUE(codec.finished());
  EXPECT_EQ(codec.error(), Http2Error::kProtocol);
}

struct Broken {
  const char* name;
  std::string bytes;
  const char* error;
  std::string before = {};  // what is in order
};
void PrintTo(const Broken& one, std::ostream* out) { *out << one.name; }

class Http2ConnectionErrors : public testing::TestWithParam<Broken> {};

// RFC 9113 5.4.1: the last stream is named, and nothing more is read.
TEST_P(Http2ConnectionErrors, EndTheConnection) {
  const Broken& broken = GetParam();
  Wire server(Role::kServer);
  server.hear(h2::post(1) + broken.before);
  server.told();
  server.said();
  server.hear(broken.bytes + h2::get(101));
  EXPECT_EQ(server.told(), "");
  const std::string said = server.said();
  EXPECT_TRUE(said.starts_with("GOAWAY 0 last ")) << said;
  EXPECT_TRUE(said.ends_with(std::string(" ") + broken.error)) << said;
  EXPECT_TRUE(server.codec.finished());
  EXPECT_FALSE(server.codec.has_output());
  EXPECT_EQ(name_of(server.codec.error()), broken.error);
  EXPECT_EQ(server.codec.flood(), std::nullopt);
  server.hear(h2::get(103));
  EXPECT_EQ(server.told() + server.said(), "");
}

const std::string kNoBytes;
const Broken kBroken[] = {
    // 5.1: idle streams
    {"DataOnIdle", h2::data(5, "x"), "PROTOCOL_ERROR"},
    {"ResetOnIdle", h2::rst_stream(5, 8), "PROTOCOL_ERROR"},
    {"WindowUpdateOnIdle", h2::window_update(5, 1), "PROTOCOL_ERROR"},
    {"ContinuationOnIdle", h2::frame(h2::kContinuation, h2::kEndHeaders, 5, h2::get_block()),
     "PROTOCOL_ERROR"},
    // 5.1: half closed
    {"HeadBehindItsEnd", h2::headers(3, h2::get_block(), true), "STREAM_CLOSED", h2::get(3)},
    // 5.1.1
    {"StreamOfAServer", h2::get(2), "PROTOCOL_ERROR"},
    {"StreamZero", h2::get(0), "PROTOCOL_ERROR"},
    {"DataOnZero", h2::data(0, "x"), "PROTOCOL_ERROR"},
    {"ResetOnZero", h2::rst_stream(0, 8), "PROTOCOL_ERROR"},
    {"PriorityOnZero", h2::frame(h2::kPriority, 0, 0, h2::number(0, 5)), "PROTOCOL_ERROR"},
    {"ContinuationOnZero", h2::frame(h2::kContinuation, h2::kEndHeaders, 0), "PROTOCOL_ERROR"},
    {"SettingsOnAStream", h2::frame(h2::kSettings, 0, 1), "PROTOCOL_ERROR"},
    {"PingOnAStream", h2::frame(h2::kPing, 0, 1, "12345678"), "PROTOCOL_ERROR"},
    {"GoawayOnAStream", h2::frame(h2::kGoaway, 0, 1, h2::number(0, 8)), "PROTOCOL_ERROR"},
    // 8.4: a client cannot push
    {"PushPromise",
     h2::frame(h2::kPushPromise, h2::kEndHeaders, 1, h2::number(2, 4) + h2::get_block()),
     "PROTOCOL_ERROR"},
};
INSTANTIATE_TEST_SUITE_P(Each, Http2ConnectionErrors, testing::ValuesIn(kBroken),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Http2Streams, DataBehindTheEndOfAStreamIsAnErrorOfThatStream) {
  Wire server(Role::kServer);
  server.hear(h2::get(1) + h2::get(3));
  server.told();
  server.hear(h2::data(1, "x"));
  EXPECT_EQ(server.told(), "");
  const std::string said = server.said();
  EXPECT_TRUE(said == "RST_STREAM 1 STREAM_CLOSED" || said == "GOAWAY 0 last 3 STREAM_CLOSED")
      << said;
}

TEST(Http2Streams, WhatIsOnItsWayToAStreamThatWeHaveResetIsIgnored) {
  Wire server(Role::kServer);
  server.hear(h2::post(1));
  server.codec.reset(server.stream(1), Http2Error::kCancel);
  EXPECT_EQ(server.said(), "RST_STREAM 1 CANCEL");
  EXPECT_EQ(server.told(), "head 1 | closed 1 CANCEL");
  server.hear(h2::data(1, "late") + h2::window_update(1, 10) +
              h2::headers(1, h2::block({{"x", "trailer"}}), true) + h2::rst_stream(1, 8) +
              h2::get(3));
  EXPECT_EQ(server.told(), "head 3 | end 3");
  EXPECT_EQ(server.said(), "");
}

TEST(Http2Streams, OfAStreamThatIsResetByUsNothingIsToldButItsEnd) {
  Wire server(Role::kServer);
  server.hear(h2::post(1));
  server.told();
  server.codec.reset(server.stream(1), Http2Error::kInternal);
  server.hear(h2::data(1, "late") + h2::data(1, "", true));
  EXPECT_EQ(server.told(), "");
  EXPECT_EQ(server.said(), "RST_STREAM 1 INTERNAL_ERROR");
  EXPECT_EQ(server.told(), "closed 1 INTERNAL_ERROR");
}

TEST(Http2Streams, AResetAsTheFirstEventIsTakenSilencesThoseBehindIt) {
  Http2HeadPool heads(10);
  Http2Codec codec(Role::kServer, {}, heads);
  codec.receive(std::string(kHttp2Preface) + h2::settings() + h2::post(1) + h2::data(1, "x", true) +
                    h2::get(3),
                {});
  const auto first = codec.next_event();
  ASSERT_TRUE(first && first->kind == Http2Event::Kind::kHead);
  codec.reset(*first->stream, Http2Error::kCancel);
  codec.reset(*first->stream, Http2Error::kInternal);  // it is so already
  const auto second = codec.next_event();
  ASSERT_TRUE(second && second->kind == Http2Event::Kind::kHead);
  EXPECT_EQ(second->stream->id(), 3);
}

TEST(Http2Streams, AResetByTheClientEndsIt) {
  Wire server(Role::kServer);
  server.hear(h2::post(1));
  server.hear(h2::data(1, "x") + h2::rst_stream(1, 8));
  EXPECT_EQ(server.told(), "head 1 | data 1 'x' | closed 1 CANCEL");
  EXPECT_EQ(server.said(), "");
  EXPECT_EQ(server.codec.streams(), 0u);
}

TEST(Http2Streams, ARequestThatWasResetAtOnceNeverShows) {
  Wire server(Role::kServer);
  server.hear(h2::get(1) + h2::rst_stream(1, 8) + h2::post(3) + h2::data(3, "x") +
              h2::rst_stream(3, 0) + h2::get(5));
  EXPECT_EQ(server.told(), "head 5 | end 5");
  EXPECT_EQ(server.codec.streams(), 1u);
}

TEST(Http2Streams, ARequestIsResetByByteAndNeverShowsHalf) {
  Wire server(Role::kServer);
  const std::string head = h2::frame(h2::kHeaders, 0, 1, h2::get_block());
  server.hear(head);
  EXPECT_EQ(server.told(), "") << "its head is not whole";
  server.hear(h2::frame(h2::kContinuation, h2::kEndHeaders, 1, h2::block({{"x", "y"}})));
  EXPECT_EQ(server.told(), "head 1");
  EXPECT_EQ(server.head().fields.find("x"), "y");
}

// The user, nghttp2 and RFC 9113 8.1 may each have a reason.
TEST(Http2Streams, OneIsResetOnce) {
  const std::string bad_trailers = h2::headers(1, h2::block({{":path", "/"}}), true);
  Wire server(Role::kServer);
  server.hear(h2::post(1));
  server.codec.answer(server.stream(1), 200, {}, true);
  server.write(1, "", false, 5);  // a frame that has begun is finished
  server.hear(bad_trailers);
  EXPECT_EQ(server.said(), "HEADERS 1 END | RST_STREAM 1 PROTOCOL_ERROR");
  Wire other(Role::kServer);
  other.hear(h2::post(1));
  other.codec.reset(other.stream(1), Http2Error::kCancel);
  other.hear(bad_trailers);
  EXPECT_EQ(other.said(), "RST_STREAM 1 CANCEL");
}

// What is asked of a stream that is closed already comes to nothing.
TEST(Http2Streams, AClosedStreamTakesEverythingAndSaysNothing) {
  Http2HeadPool heads(10);
  Http2Codec codec(Role::kServer, {}, heads);
  codec.receive(std::string(kHttp2Preface) + h2::settings() + h2::post(1), {});
  const auto head = codec.next_event();
  ASSERT_TRUE(head);
  Http2Stream& stream = *head->stream;
  std::array<char, 200> room;
  codec.produce(room);
  codec.receive(h2::rst_stream(1, 8), {});
  codec.answer(stream, 200, {}, false);
  const auto written = codec.write(stream, "abc", true, room);
  EXPECT_EQ(written.taken, 3u);
  EXPECT_EQ(written.produced, 0u);
  EXPECT_TRUE(written.ended);
  codec.end(stream, {});
  codec.consume(stream, 5);
  codec.reset(stream, Http2Error::kInternal);
  EXPECT_EQ(codec.window(stream), 0u);
  EXPECT_EQ(codec.produce(room), 0u);
  const auto closed = codec.next_event();
  ASSERT_TRUE(closed && closed->kind == Http2Event::Kind::kClosed);
  EXPECT_EQ(closed->stream, &stream);
}

TEST(Http2Streams, TheirObjectsAreUsedAgainAndStartAfresh) {
  Wire server(Role::kServer);
  struct Somebody : Http2Stream::User {
  } somebody;
  for (std::int32_t id = 1; id < 400; id += 4) {
    server.hear(h2::post(id) + h2::get(id + 2));
    EXPECT_EQ(server.stream(id).user(), nullptr);
    EXPECT_EQ(server.stream(id).id(), id);
    server.stream(id).set_user(&somebody);
    server.codec.answer(server.stream(id), 200, {}, false);
    if (id % 8 == 1) {
      server.codec.reset(server.stream(id), Http2Error::kCancel);
    } else {
      server.hear(h2::data(id, "", true));
      EXPECT_TRUE(server.write(id, "a", true).ended);
    }
    server.codec.answer(server.stream(id + 2), 404, {}, true);
    server.said();
    EXPECT_EQ(server.codec.streams(), 0u);
  }
}

TEST(Http2Streams, BeyondTheLimitTheyAreRefused) {
  Wire server(Role::kServer, {.streams = 2});
  server.hear(h2::post(1) + h2::post(3));
  server.hear(h2::post(5));
  EXPECT_EQ(server.told(), "head 1 | head 3");
  EXPECT_TRUE(server.codec.finished() || !server.said().empty());
}

// RFC 9113 5.1.2: the client may not have known yet.
TEST(Http2Streams, BeforeTheLimitIsKnownTheyAreRefusedOneByOne) {
  Http2HeadPool heads(10);
  Http2Codec codec(Role::kServer, {.streams = 1}, heads);
  codec.receive(std::string(kHttp2Preface) + h2::settings() + h2::get(1) + h2::get(3), {});
  std::string out(1000, '\0');
  out.resize(codec.produce(out));
  std::string last;
  while (const auto frame = h2::take_frame(out)) {
    if (frame->type == h2::kRstStream) last += text_of(*frame);
  }
  EXPECT_EQ(last, "RST_STREAM 3 REFUSED_STREAM");
  EXPECT_EQ(codec.streams(), 1u);
}

}  // namespace
}  // namespace roundhouse::http
