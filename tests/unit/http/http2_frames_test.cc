// Frames of HTTP/2: their sizes, padding, flags and settings (RFC 9113 4 and 6), as a server.
#include <gtest/gtest.h>

#include "http2_wire.h"

namespace roundhouse::http {
namespace {

struct Case {
  const char* name;
  std::string bytes;
  const char* said;
};
void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

class Http2FrameErrors : public testing::TestWithParam<Case> {};

TEST_P(Http2FrameErrors, AreAnswered) {
  Wire server(Role::kServer);
  server.hear(h2::post(1));
  server.said();
  server.hear(GetParam().bytes);
  EXPECT_EQ(server.said(), GetParam().said);
  EXPECT_EQ(server.codec.finished(), std::string_view(GetParam().said).contains("GOAWAY"));
}

std::string padded(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, std::uint8_t pad,
                   const std::string& text) {
  return h2::frame(type, flags | h2::kPadded, stream,
                   h2::number(pad, 1) + text + std::string(pad, '\0'));
}

constexpr const char* kSize = "GOAWAY 0 last 1 error 6";         // FRAME_SIZE_ERROR
constexpr const char* kCompression = "GOAWAY 0 last 3 error 9";  // COMPRESSION_ERROR
constexpr const char* kProtocolOf3 = "GOAWAY 0 last 3 PROTOCOL_ERROR";
constexpr const char* kProtocol = "GOAWAY 0 last 1 PROTOCOL_ERROR";

const Case kCases[] = {
    // 4.2
    {"Largest", h2::data(1, std::string(16384, 'x')), ""},
    {"TooLarge", h2::data(1, std::string(16385, 'x')), kSize},
    {"HeadTooLarge", h2::headers(3, std::string(16385, 'x'), true), kSize},
    {"UnknownTooLarge", h2::frame(99, 0, 0, std::string(16385, 'x')), kSize},
    // 5.5
    {"Unknown", h2::frame(99, 0xff, 1, "whatever"), ""},
    {"UnknownOnIdle", h2::frame(99, 0, 77, ""), ""},
    {"UnknownFlags", h2::frame(h2::kData, 0xf6 & ~h2::kPadded, 1, "x"), ""},
    // 6.1, 6.2
    {"PaddingOfAll", h2::frame(h2::kData, h2::kPadded, 1, h2::number(1, 1)), kProtocol},
    {"PaddingBeyond", h2::frame(h2::kData, h2::kPadded, 1, h2::number(9, 1) + "1234567"),
     kProtocol},
    {"PaddingWithoutRoom", h2::frame(h2::kData, h2::kPadded, 1), kProtocol},
    {"HeadPaddingBeyond", h2::frame(h2::kHeaders, h2::kPadded | 5, 3, h2::number(99, 1) + "1"),
     kProtocol},
    {"HeadPaddingWithoutRoom", h2::frame(h2::kHeaders, h2::kPadded | 5, 3), kProtocol},
    {"HeadPriorityWithoutRoom", h2::frame(h2::kHeaders, h2::kWithPriority | 5, 3, "1234"), kSize},
    {"HeadDependsOnItself",
     h2::frame(h2::kHeaders, h2::kWithPriority | 5, 3, h2::number(3, 4) + "x" + h2::get_block()),
     kProtocol},
    // 6.3
    {"Priority", h2::frame(h2::kPriority, 0, 9, h2::number(1, 5)), ""},
    {"PrioritySize", h2::frame(h2::kPriority, 0, 9, h2::number(1, 4)), kSize},
    // 6.4
    {"ResetSize", h2::frame(h2::kRstStream, 0, 1, h2::number(1, 3)), kSize},
    // 6.5
    {"Settings", h2::settings(h2::setting(0x99, 7)), "SETTINGS 0 ACK"},
    {"SettingsSize", h2::settings("12345"), kSize},
    {"SettingsAckWithPayload", h2::frame(h2::kSettings, h2::kAck, 0, h2::setting(1, 1)), kSize},
    {"SettingsEnablePush", h2::settings(h2::setting(h2::kEnablePush, 2)), kProtocol},
    {"SettingsWindow", h2::settings(h2::setting(h2::kInitialWindowSize, 0x80000000)),
     "GOAWAY 0 last 1 FLOW_CONTROL_ERROR"},
    {"SettingsLargestWindow", h2::settings(h2::setting(h2::kInitialWindowSize, 0x7fffffff)),
     "SETTINGS 0 ACK"},
    {"SettingsFrameSmall", h2::settings(h2::setting(h2::kMaxFrameSize, 16383)), kProtocol},
    {"SettingsFrameLarge", h2::settings(h2::setting(h2::kMaxFrameSize, 1 << 24)), kProtocol},
    {"SettingsFrameLargest", h2::settings(h2::setting(h2::kMaxFrameSize, (1 << 24) - 1)),
     "SETTINGS 0 ACK"},
    // 6.7
    {"Ping", h2::ping(), "PING 0 ACK"},
    {"PingAnswer", h2::frame(h2::kPing, h2::kAck, 0, "12345678"), ""},
    {"PingSize", h2::ping("1234567"), kSize},
    // 6.8
    {"GoawaySize", h2::frame(h2::kGoaway, 0, 0, "1234567"), kSize},
    {"GoawayWithText", h2::frame(h2::kGoaway, 0, 0, h2::number(0, 8) + "because"), ""},
    // 6.9
    {"WindowUpdateSize", h2::frame(h2::kWindowUpdate, 0, 0, "123"), kSize},
    {"WindowUpdateOfNothing", h2::window_update(0, 0), kProtocol},
    {"StreamWindowUpdateOfNothing", h2::window_update(1, 0), kProtocol},
    {"WindowOverflow", h2::window_update(0, 0x7fffffff), "GOAWAY 0 last 1 FLOW_CONTROL_ERROR"},
    {"StreamWindowOverflow", h2::window_update(1, 0x7fffffff), "RST_STREAM 1 FLOW_CONTROL_ERROR"},
    // 6.10
    {"Interleaved", h2::frame(h2::kHeaders, 0, 3, h2::get_block()) + h2::ping(), kProtocolOf3},
    {"InterleavedUnknown", h2::frame(h2::kHeaders, 0, 3, h2::get_block()) + h2::frame(99, 0, 0),
     kProtocolOf3},
    {"InterleavedData", h2::frame(h2::kHeaders, 0, 3, h2::get_block()) + h2::data(1, "x"),
     kProtocolOf3},
    {"InterleavedHead", h2::frame(h2::kHeaders, 0, 3, h2::get_block()) + h2::get(5), kProtocolOf3},
    {"ContinuationOfAnother",
     h2::frame(h2::kHeaders, 0, 3, h2::get_block()) +
         h2::frame(h2::kContinuation, h2::kEndHeaders, 1),
     kProtocolOf3},
    {"ContinuationBehindTheEnd", h2::get(3) + h2::frame(h2::kContinuation, h2::kEndHeaders, 3),
     kProtocolOf3},
    // 4.3
    {"BadCompression", h2::headers(3, "\xff\xff\xff\xff\xff\xff\xff", true), kCompression},
    {"CompressionIsCutOff", h2::headers(3, h2::get_block().substr(0, 20), true), kCompression},
    {"TableTooLarge", h2::headers(3, "\x3f\xe2\x1f" + h2::get_block(), true),  // 4097 bytes
     kCompression},
};
INSTANTIATE_TEST_SUITE_P(Each, Http2FrameErrors, testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Http2Frames, PaddingIsTakenOffAndCountsAgainstTheWindows) {
  Wire server(Role::kServer, {.stream_window = 1000});
  server.hear(padded(h2::kHeaders, h2::kEndHeaders, 1, 20, h2::post_block()));
  EXPECT_EQ(server.told(), "head 1");
  server.hear(padded(h2::kData, 0, 1, 200, "abc"));
  EXPECT_EQ(server.told(), "data 1 'abc'");
  server.hear(padded(h2::kData, h2::kEndStream, 1, 0, "d"));
  EXPECT_EQ(server.told(), "data 1 'd' | end 1");
}

// The padding of data is nobody's to consume: its window comes back by itself.
TEST(Http2Frames, PaddingDoesNotUseUpTheWindowForEver) {
  Wire server(Role::kServer, {.stream_window = 1000});
  server.hear(h2::post(1));
  server.told();
  for (int i = 0; i < 100; ++i) {
    server.hear(padded(h2::kData, 0, 1, 100, "x"));
    ASSERT_EQ(server.told(), "data 1 'x'") << i;
    server.codec.consume(server.stream(1), 1);
    server.said();
  }
}

TEST(Http2Frames, APingIsAnsweredWithWhatItSaid) {
  Wire server(Role::kServer);
  server.hear(h2::ping("abcdefgh"));
  const auto frames = server.sent();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_TRUE(frames[0].has(h2::kAck));
  EXPECT_EQ(frames[0].payload, "abcdefgh");
}

TEST(Http2Frames, AServerBeginsWithWhatItAllows) {
  Http2HeadPool heads(10);
  Http2Codec codec(Role::kServer, {.streams = 7, .stream_window = 70000}, heads);
  std::string out(1000, '\0');
  out.resize(codec.produce(out));
  const auto first = h2::take_frame(out);
  ASSERT_TRUE(first && first->type == h2::kSettings);
  EXPECT_TRUE(first->payload.contains(h2::setting(h2::kMaxConcurrentStreams, 7)));
  EXPECT_TRUE(first->payload.contains(h2::setting(h2::kInitialWindowSize, 70000)));
  EXPECT_TRUE(first->payload.contains(h2::setting(6, 16384))) << "its limit of a head";
  const auto second = h2::take_frame(out);
  ASSERT_TRUE(second && second->type == h2::kWindowUpdate);
  EXPECT_EQ(second->number_at(0), 1024u * 1024 - 65535);
}

TEST(Http2Frames, AClientBeginsWithThePrefaceAndWantsNoPush) {
  Http2HeadPool heads(10);
  Http2Codec codec(Role::kClient, {}, heads);
  std::string out(1000, '\0');
  out.resize(codec.produce(out));
  ASSERT_TRUE(out.starts_with(kHttp2Preface));
  out.erase(0, kHttp2Preface.size());
  const auto first = h2::take_frame(out);
  ASSERT_TRUE(first && first->type == h2::kSettings);
  EXPECT_TRUE(first->payload.contains(h2::setting(h2::kEnablePush, 0)));
}

// RFC 9113 3.4
TEST(Http2Frames, TheFirstFrameMustBeSettings) {
  for (const Role role : {Role::kServer, Role::kClient}) {
    Http2HeadPool heads(10);
    Http2Codec codec(role, {}, heads);
    codec.receive((role == Role::kServer ? std::string(kHttp2Preface) : "") + h2::ping(), {});
    std::string out(1000, '\0');
    out.resize(codec.produce(out));
    EXPECT_TRUE(codec.finished());
    EXPECT_EQ(codec.error(), Http2Error::kProtocol);
  }
}

TEST(Http2Frames, AHeadMayComeInPiecesOfAnySize) {
  Wire server(Role::kServer);
  const std::string fields = h2::get_block();
  for (std::size_t cut = 0; cut <= fields.size(); ++cut) {
    const auto id = static_cast<std::uint32_t>(2 * cut + 1);
    server.hear(h2::frame(h2::kHeaders, h2::kEndStream, id, fields.substr(0, cut)) +
                h2::frame(h2::kContinuation, h2::kEndHeaders, id, fields.substr(cut)));
    const std::string number = std::to_string(id);
    EXPECT_EQ(server.told(), "head " + number + " | end " + number);
    server.codec.answer(server.stream(static_cast<std::int32_t>(id)), 200, {}, true);
    server.said();
    server.told();
  }
}

TEST(Http2Frames, AHeadInPiecesMayComeByteByByte) {
  Wire server(Role::kServer);
  std::string bytes = h2::frame(h2::kHeaders, h2::kEndStream, 1, h2::get_block());
  for (int i = 0; i < 7; ++i) bytes += h2::frame(h2::kContinuation, 0, 1, h2::block({{"x", "y"}}));
  server.hear_byte_by_byte(bytes + h2::frame(h2::kContinuation, h2::kEndHeaders, 1));
  EXPECT_EQ(server.told(), "head 1 | end 1");
  EXPECT_EQ(server.head().fields.size(), 7u);
}

TEST(Http2Frames, WhatWeSendIsCutToTheOtherEndsFrameSize) {
  Wire server(Role::kServer, {}, h2::setting(h2::kInitialWindowSize, 100000));
  server.hear(h2::window_update(0, 100000) + h2::get(1));
  server.codec.answer(server.stream(1), 200, {}, false);
  EXPECT_TRUE(server.write(1, std::string(40000, 'x'), true).ended);
  std::size_t bytes = 0;
  for (const h2::Frame& frame : server.sent()) {
    EXPECT_LE(frame.payload.size(), 16384u);
    if (frame.type == h2::kData) bytes += frame.payload.size();
  }
  EXPECT_EQ(bytes, 40000u);
}

TEST(Http2Frames, ALongHeadOfOursIsContinued) {
  Wire server(Role::kServer);
  server.hear(h2::get(1));
  const std::string value(200'000, 'x');
  const Field field{.name = "x", .value = value};
  server.codec.answer(server.stream(1), 200, {&field, 1}, true);
  std::size_t continued = 0;
  for (const h2::Frame& frame : server.sent()) continued += frame.type == h2::kContinuation ? 1 : 0;
  EXPECT_GE(continued, 1u);
  EXPECT_EQ(server.codec.streams(), 0u);
}

}  // namespace
}  // namespace roundhouse::http
