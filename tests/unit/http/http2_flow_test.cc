// Flow control of HTTP/2, both ways (RFC 9113 5.2 and 6.9).
#include <gtest/gtest.h>

#include "http2_wire.h"

namespace roundhouse::http {
namespace {

constexpr Http2Limits kSmall{.head = {}, .stream_window = 1000, .session_window = 100'000};

// A server with one request, whose body comes.
struct Upload : Wire {
  explicit Upload(const Http2Limits& limits = kSmall) : Wire(Role::kServer, limits) {
    hear(h2::post(1));
    told();
    be_silent_about_data();
  }
};

TEST(Http2Receiving, AStreamsWindowIsItsOwnUntilItsDataIsConsumed) {
  Upload server;
  server.hear(h2::data(1, std::string(1000, 'x')));
  EXPECT_EQ(server.given(), 1000u);
  EXPECT_EQ(server.said(), "") << "nothing was consumed";
  server.codec.consume(server.stream(1), 1000);
  EXPECT_EQ(server.said(), "WINDOW_UPDATE 1 1000");
  server.hear(h2::data(1, std::string(1000, 'x')));
  EXPECT_EQ(server.given(), 2000u);
  EXPECT_EQ(server.said(), "");
}

TEST(Http2Receiving, MoreThanAStreamsWindowIsAnError) {
  Upload server;
  server.hear(h2::data(1, std::string(1000, 'x')));
  server.hear(h2::data(1, "x"));
  EXPECT_EQ(server.said(), "RST_STREAM 1 FLOW_CONTROL_ERROR");
  EXPECT_EQ(server.told(), "closed 1 FLOW_CONTROL_ERROR");
}

TEST(Http2Receiving, PaddingCounts) {
  Upload server;
  server.hear(h2::data(1, std::string(900, 'x')));
  server.hear(h2::frame(h2::kData, h2::kPadded, 1, h2::number(100, 1) + std::string(100, '\0')));
  EXPECT_TRUE(server.said().contains("FLOW_CONTROL_ERROR"));
}

// Many streams that fill their windows, as far as that of the connection allows.
struct Uploads : Upload {
  explicit Uploads(std::uint32_t session)
      : Upload({.head = {}, .stream_window = 65535, .session_window = session}), allowed(session) {}

  // False: the connection's window has no room.
  bool fill(std::uint32_t id) {
    if (id > 1) hear(h2::post(id));
    for (int i = 0; i < 4; ++i) {
      if (allowed < 16'000) return false;
      allowed -= 16'000;
      hear(h2::data(id, std::string(16'000, 'x')));
      look();
    }
    return true;
  }
  void look() {
    for (const h2::Frame& frame : sent())
      if (frame.type == h2::kWindowUpdate && frame.stream == 0) allowed += frame.number_at(0);
  }

  std::size_t allowed;
};

// What is received counts against it only while it is received: no stream holds up another.
TEST(Http2Receiving, TheConnectionsWindowDoesNotWaitForTheUsersOfStreams) {
  Uploads server(2'000'000);
  for (std::uint32_t id = 1; id < 60; id += 2) ASSERT_TRUE(server.fill(id)) << id;
  EXPECT_EQ(server.given(), 30u * 64'000);
}

// But what nobody takes of all streams is bounded, and comes back when somebody does.
TEST(Http2Receiving, TheConnectionsWindowWaitsWhenTooMuchIsHeld) {
  Uploads server(200'000);
  std::uint32_t id = 1;
  while (server.fill(id)) {
    id += 2;
    ASSERT_LT(id, 100u);
  }
  EXPECT_GE(server.given(), 200'000u);
  EXPECT_LE(server.given(), 400'000u);
  const std::size_t before = server.allowed;
  server.codec.consume(server.stream(1), 64'000);
  server.codec.reset(server.stream(3), Http2Error::kCancel);
  server.look();
  server.hear("");
  server.look();
  EXPECT_GE(server.allowed, before + 64'000);
  EXPECT_TRUE(server.fill(id + 2));
}

TEST(Http2Receiving, MoreThanTheConnectionsWindowIsAConnectionError) {
  Upload server({.head = {}, .stream_window = 200'000, .session_window = 65535});
  std::string bytes;
  for (int i = 0; i < 5; ++i) bytes += h2::data(1, std::string(16000, 'x'));
  server.hear(bytes);
  EXPECT_EQ(server.given(), 80'000u) << "the window comes back inside one receive()";
  server.said();
  EXPECT_FALSE(server.codec.finished());
}

TEST(Http2Receiving, DataOfAStreamThatIsResetGivesItsWindowBack) {
  Upload server({.head = {}, .stream_window = 65535, .session_window = 65535});
  server.codec.reset(server.stream(1), Http2Error::kCancel);
  server.said();
  std::size_t back = 0;
  for (int i = 0; i < 20; ++i) {
    server.hear(h2::data(1, std::string(16000, 'x')));
    for (const h2::Frame& frame : server.sent())
      if (frame.type == h2::kWindowUpdate && frame.stream == 0) back += frame.number_at(0);
  }
  EXPECT_GE(back, 20u * 16000 - 65535);
  EXPECT_EQ(server.given(), 0u);
  EXPECT_FALSE(server.codec.finished());
}

TEST(Http2Receiving, ConsumingInSmallBitsGivesAllOfItBackInTheEnd) {
  Upload server;
  std::size_t window = 1000;
  for (int i = 0; i < 50; ++i) {
    const std::size_t size = std::min<std::size_t>(window, 300);
    ASSERT_GT(size, 0u);
    window -= size;
    server.hear(h2::data(1, std::string(size, 'x')));
    for (std::size_t n = 0; n < size; ++n) server.codec.consume(server.stream(1), 1);
    for (const h2::Frame& frame : server.sent())
      if (frame.stream == 1 && frame.type == h2::kWindowUpdate) window += frame.number_at(0);
  }
}

// A server with one request, and windows as the client says.
struct Download : Wire {
  explicit Download(std::uint32_t window)
      : Wire(Role::kServer, {}, h2::setting(h2::kInitialWindowSize, window)) {
    hear(h2::get(1));
    told();
    codec.answer(stream(1), 200, {}, false);
  }
};

TEST(Http2Sending, OnlyWhatBothWindowsAllowIsTaken) {
  Download server(10);
  EXPECT_EQ(server.codec.window(server.stream(1)), 10u);
  const auto written = server.write(1, "0123456789abcdef", true);
  EXPECT_EQ(written.taken, 10u);
  EXPECT_FALSE(written.ended);
  EXPECT_EQ(server.said(), "HEADERS 1 | DATA 1 '0123456789'");
  EXPECT_EQ(server.codec.window(server.stream(1)), 0u);
  EXPECT_EQ(server.write(1, "abcdef", true).taken, 0u);
  server.hear(h2::window_update(1, 4));
  EXPECT_EQ(server.said(), "") << "nothing is kept here of what was offered";
  EXPECT_EQ(server.codec.window(server.stream(1)), 4u);
  EXPECT_EQ(server.write(1, "abcdef", true).taken, 4u);
  server.hear(h2::window_update(1, 1000));
  EXPECT_TRUE(server.write(1, "ef", true).ended);
  EXPECT_EQ(server.said(), "DATA 1 'abcd' | DATA 1 'ef' END");
}

TEST(Http2Sending, TheConnectionsWindowIsShared) {
  Download server(100'000);
  EXPECT_EQ(server.codec.window(server.stream(1)), 65535u);
  EXPECT_EQ(server.write(1, std::string(100'000, 'x'), false, 200'000).taken, 65535u);
  server.hear(h2::get(3));
  server.codec.answer(server.stream(3), 200, {}, false);
  server.sent();
  EXPECT_EQ(server.codec.window(server.stream(3)), 0u);
  EXPECT_EQ(server.write(3, "abc", true).taken, 0u);
  server.hear(h2::window_update(3, 10));
  EXPECT_EQ(server.write(3, "abc", true).taken, 0u);
  server.hear(h2::window_update(0, 2));
  EXPECT_EQ(server.codec.window(server.stream(1)), 2u);
  EXPECT_EQ(server.write(3, "abc", true).taken, 2u);
  EXPECT_EQ(server.codec.window(server.stream(1)), 0u);
}

TEST(Http2Sending, TheEndNeedsNoWindow) {
  Download server(0);
  EXPECT_EQ(server.codec.window(server.stream(1)), 0u);
  EXPECT_EQ(server.write(1, "x", false).taken, 0u);
  EXPECT_TRUE(server.write(1, "", true).ended);
  EXPECT_EQ(server.said(), "HEADERS 1 | HEADERS 1 END");
  EXPECT_EQ(server.told(), "closed 1 NO_ERROR");
}

TEST(Http2Sending, TheEndNeedsNoWindowOfTheConnectionEither) {
  Download server(100'000);
  server.hear(h2::get(3) + h2::get(5));
  server.codec.answer(server.stream(3), 200, {}, false);
  server.codec.answer(server.stream(5), 200, {}, false);
  server.said();
  server.codec.end(server.stream(3), {});
  EXPECT_EQ(server.write(1, std::string(100'000, 'x'), false, 200'000).taken, 65535u);
  server.codec.end(server.stream(5), {});
  server.said();
  EXPECT_EQ(server.codec.streams(), 1u) << "and a client cannot keep it open by that";
}

TEST(Http2Sending, AnEndThatWaitsForRoomIsSentOnce) {
  for (std::size_t room = 0; room < 20; ++room) {
    Download server(3);
    EXPECT_EQ(server.write(1, "abc", false).taken, 3u);
    server.codec.end(server.stream(1), {});
    std::string out(room, '\0');
    server.codec.produce(out);
    server.hear(h2::window_update(1, 3) + h2::get(3));
    server.sent();
    EXPECT_EQ(server.codec.streams(), 1u) << room;
  }
}

// RFC 9113 6.9.2: the change is of windows that are in use, too, and may leave less than nothing.
TEST(Http2Sending, ASmallerInitialWindowTakesBackWhatIsOpen) {
  Download server(10);
  server.write(1, "01234567", false);
  server.hear(h2::settings(h2::setting(h2::kInitialWindowSize, 5)));
  EXPECT_EQ(server.codec.window(server.stream(1)), 0u);
  EXPECT_EQ(server.write(1, "89", false).taken, 0u);
  server.hear(h2::window_update(1, 4));
  EXPECT_EQ(server.codec.window(server.stream(1)), 1u);
  EXPECT_EQ(server.write(1, "89", false).taken, 1u);
}

TEST(Http2Sending, ALargerInitialWindowOpensWhatWasShut) {
  Download server(0);
  EXPECT_EQ(server.write(1, "abc", true).taken, 0u);
  server.said();
  server.hear(h2::settings(h2::setting(h2::kInitialWindowSize, 100)));
  EXPECT_EQ(server.codec.window(server.stream(1)), 100u);
  EXPECT_TRUE(server.write(1, "abc", true).ended);
  EXPECT_EQ(server.said(), "SETTINGS 0 ACK | DATA 1 'abc' END");
}

TEST(Http2Sending, AnInitialWindowThatOverflowsOneInUseIsAnError) {
  Download server(10);
  server.hear(h2::window_update(1, 0x7fffff00));
  server.said();
  server.hear(h2::settings(h2::setting(h2::kInitialWindowSize, 0x7fffffff)));
  EXPECT_TRUE(server.said().contains("FLOW_CONTROL_ERROR"));
}

TEST(Http2Sending, AWindowOpensExactlyToItsEnd) {
  Download server(0);
  server.hear(h2::window_update(1, 0x7fffffff));
  EXPECT_EQ(server.codec.window(server.stream(1)), 65535u);
  server.hear(h2::window_update(0, 0x7fffffff - 65535));
  EXPECT_EQ(server.codec.window(server.stream(1)), 0x7fffffffu);
  EXPECT_FALSE(server.said().contains("ERROR"));
  server.hear(h2::window_update(0, 1));
  EXPECT_EQ(server.said(), "GOAWAY 0 last 1 FLOW_CONTROL_ERROR");
}

TEST(Http2Sending, BeforeARequestHasGoneOutItsWindowIsTheInitialOne) {
  Wire client(Role::kClient, {}, h2::setting(h2::kInitialWindowSize, 77));
  Http2Stream* const stream = client.open(false, "POST");
  ASSERT_NE(stream, nullptr);
  EXPECT_EQ(client.codec.window(*stream), 77u);
  EXPECT_EQ(client.write(1, std::string(100, 'x'), true).taken, 77u);
  EXPECT_EQ(client.codec.window(*stream), 0u);
}

}  // namespace
}  // namespace roundhouse::http
