// What an HTTP/2 codec produces: into rooms of any size, nothing lost and nothing twice, and what
// write() says of it.
#include <gtest/gtest.h>

#include "http2_wire.h"

namespace roundhouse::http {
namespace {

// A server with these requests, each answered with a head.
struct Answering : Wire {
  explicit Answering(std::int32_t last, std::string_view settings = {})
      : Wire(Role::kServer, {}, settings) {
    for (std::int32_t id = 1; id <= last; id += 2) {
      hear(h2::get(static_cast<std::uint32_t>(id)));
      codec.answer(stream(id), 200, {}, false);
    }
    told();
  }
};

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 23);
  return text;
}

class Http2Rooms : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(OfBytes, Http2Rooms,
                         testing::Values(10, 11, 12, 17, 18, 19, 20, 25, 33, 40, 100, 1000, 16384,
                                         16392, 16393, 16394, 40000));

// Everything comes out through rooms of one size, whatever is offered; heads and other frames pass
// through smaller ones, too.
TEST_P(Http2Rooms, ABodyComesOutWholeThroughThem) {
  Answering server(1, h2::setting(h2::kInitialWindowSize, 50'000));
  const std::string body = pattern(30'000);
  std::string out;
  std::string room(GetParam(), '\0');
  std::size_t taken = 0;
  bool ended = false;
  while (!ended) {
    const auto written =
        server.codec.write(server.stream(1), std::string_view(body).substr(taken), true, room);
    ASSERT_LE(written.produced, room.size());
    ASSERT_GT(written.produced, 0u);
    ASSERT_LE(written.taken, body.size() - taken);
    out.append(room, 0, written.produced);
    taken += written.taken;
    ended = written.ended;
    ASSERT_EQ(ended, taken == body.size()) << "the end goes with the last byte";
  }
  std::string came;
  std::string order;
  while (const auto frame = h2::take_frame(out)) {
    came += frame->type == h2::kData ? frame->payload : "";
    order += frame->type == h2::kHeaders ? "h" : frame->has(h2::kEndStream) ? "e" : "";
  }
  EXPECT_EQ(out, "") << "nothing is half";
  EXPECT_EQ(came, body);
  EXPECT_EQ(order, "he");
  server.said();
  EXPECT_EQ(server.told(), "closed 1 NO_ERROR");
}

TEST_P(Http2Rooms, StreamsInTurnAndFramesBetween) {
  Answering server(5, h2::setting(h2::kInitialWindowSize, 50'000));
  const std::string body = pattern(5'000);
  std::string out;
  std::string room(GetParam(), '\0');
  std::map<std::int32_t, std::size_t> taken;
  for (std::uint32_t turn = 0; server.codec.streams() > 0; ++turn) {
    ASSERT_LT(turn, 60'000u);
    const std::int32_t id = static_cast<std::int32_t>(turn % 3) * 2 + 1;
    if (turn % 100 == 0 && turn < 3000) server.hear(h2::ping());
    if (taken[id] == body.size()) {
      out.append(room, 0, server.codec.produce(room));
      server.told();
      continue;
    }
    const auto rest = std::string_view(body).substr(taken[id]);
    const auto written = server.codec.write(server.stream(id), rest, true, room);
    out.append(room, 0, written.produced);
    taken[id] += written.taken;
    server.hear("");
  }
  std::map<std::uint32_t, std::string> came;
  while (const auto frame = h2::take_frame(out))
    if (frame->type == h2::kData) came[frame->stream] += frame->payload;
  EXPECT_EQ(out, "");
  for (const std::uint32_t id : {1, 3, 5}) EXPECT_EQ(came[id], body) << id;
}

TEST(Http2Output, RoomsTooSmallForAPieceTakeNothingAndLoseNothing) {
  for (std::size_t small = 0; small <= 40; ++small) {
    Answering server(1);
    std::string out;
    std::string room(small, '\0');
    for (int i = 0; i < 60; ++i) {
      const auto written = server.codec.write(server.stream(1), "x", false, room);
      out.append(room, 0, written.produced);
      if (written.taken == 1) break;
      EXPECT_FALSE(written.ended);
    }
    EXPECT_TRUE(server.write(1, "y", true).ended || small < 10);
    for (const h2::Frame& frame : server.sent())
      out += h2::frame(frame.type, frame.flags, frame.stream, frame.payload);
    std::string body;
    while (const auto frame = h2::take_frame(out))
      body += frame->type == h2::kData ? frame->payload : "";
    EXPECT_EQ(body, small < 10 ? "y" : "xy") << small;
  }
}

TEST(Http2Output, AHeadPassesThroughARoomOfOneByte) {
  Wire server(Role::kServer);
  server.hear(h2::get(1));
  const Field field{.name = "x", .value = "a long enough value of a field"};
  server.codec.answer(server.stream(1), 200, {&field, 1}, true);
  std::string out;
  char byte = 0;
  while (server.codec.produce({&byte, 1}) == 1) {
    out += byte;
    ASSERT_LT(out.size(), 200u);
  }
  EXPECT_FALSE(server.codec.has_output());
  const auto frame = h2::take_frame(out);
  ASSERT_TRUE(frame);
  EXPECT_EQ(text_of(*frame), "HEADERS 1 END");
  EXPECT_EQ(out, "");
}

TEST(Http2Output, NoRoomProducesNothing) {
  Wire server(Role::kServer);
  server.hear(h2::get(1) + h2::ping());
  EXPECT_TRUE(server.codec.has_output());
  EXPECT_EQ(server.codec.produce({}), 0u);
  EXPECT_TRUE(server.codec.has_output());
  EXPECT_EQ(server.said(), "PING 0 ACK");
  EXPECT_FALSE(server.codec.has_output());
}

TEST(Http2Output, WrittenSaysWhatWentAndNothingIsKept) {
  Answering server(1, h2::setting(h2::kInitialWindowSize, 5));
  server.said();
  const auto written = server.write(1, "abcdefgh", false);
  EXPECT_EQ(written.taken, 5u);
  EXPECT_EQ(written.produced, 9u + 5);
  EXPECT_FALSE(written.ended);
  server.hear(h2::window_update(1, 100));
  EXPECT_EQ(server.said(), "DATA 1 'abcde'");
  // What is offered next need not be what was left.
  EXPECT_EQ(server.write(1, "xyz", true).taken, 3u);
  EXPECT_EQ(server.said(), "DATA 1 'xyz' END");
}

TEST(Http2Output, AnEndMayComeAlone) {
  Answering server(1);
  EXPECT_EQ(server.write(1, "abc", false).taken, 3u);
  server.codec.end(server.stream(1), {});
  EXPECT_TRUE(server.codec.has_output());
  EXPECT_EQ(server.said(), "HEADERS 1 | DATA 1 'abc' | DATA 1 '' END");
  EXPECT_EQ(server.told(), "closed 1 NO_ERROR");
}

TEST(Http2Output, TrailersGoBehindTheBody) {
  Answering server(1);
  const Field field{.name = "X-Sum", .value = "1"};
  server.write(1, "abc", false);
  server.codec.end(server.stream(1), {&field, 1});
  EXPECT_EQ(server.said(), "HEADERS 1 | DATA 1 'abc' | HEADERS 1 END");
  EXPECT_EQ(server.told(), "closed 1 NO_ERROR");
}

TEST(Http2Output, TrailersGoBehindAHeadThatHasNotGoneOutYet) {
  const Field field{.name = "x", .value = "y"};
  Wire client(Role::kClient);
  Http2Stream* const stream = client.open(false, "POST");
  ASSERT_NE(stream, nullptr);
  client.codec.end(*stream, {&field, 1});
  EXPECT_EQ(client.said(), "HEADERS 1 | HEADERS 1 END");
  Answering server(1);
  server.codec.end(server.stream(1), {&field, 1});
  EXPECT_EQ(server.said(), "HEADERS 1 | HEADERS 1 END");
}

TEST(Http2Output, TheEndOfARequestMayComeBeforeItsHeadHasGoneOut) {
  Wire client(Role::kClient, {}, h2::setting(h2::kInitialWindowSize, 0));
  client.codec.end(*client.open(false, "POST"), {});
  EXPECT_EQ(client.said(), "HEADERS 1");
  client.hear(h2::window_update(1, 1));
  EXPECT_EQ(client.said(), "DATA 1 '' END");
  Wire other(Role::kClient);
  other.codec.end(*other.open(false, "POST"), {});
  EXPECT_EQ(other.said(), "HEADERS 1 | DATA 1 '' END");
}

TEST(Http2Output, InterimAnswersGoBeforeTheFinalOne) {
  Wire server(Role::kServer);
  server.hear(h2::post(1));
  server.codec.answer(server.stream(1), 100, {}, false);
  EXPECT_EQ(server.said(), "HEADERS 1");
  server.codec.answer(server.stream(1), 103, {}, false);
  server.codec.answer(server.stream(1), 204, {}, true);
  server.hear(h2::data(1, "x", true));
  EXPECT_EQ(server.said(), "HEADERS 1 | HEADERS 1 END");
  EXPECT_EQ(server.told(), "head 1 | data 1 'x' | end 1 | closed 1 NO_ERROR");
}

// RFC 9113 8.1: whoever is answered early is asked not to send the rest.
TEST(Http2Output, AnAnswerBeforeTheRequestIsWholeAsksForNoMore) {
  Wire server(Role::kServer);
  server.hear(h2::post(1));
  server.codec.answer(server.stream(1), 413, {}, true);
  EXPECT_EQ(server.said(), "HEADERS 1 END | RST_STREAM 1 NO_ERROR");
  EXPECT_EQ(server.told(), "head 1 | closed 1 NO_ERROR");
  server.hear(h2::post(3));
  server.codec.answer(server.stream(3), 200, {}, false);
  server.write(3, "abc", true);
  EXPECT_EQ(server.said(), "HEADERS 3 | DATA 3 'abc' END | RST_STREAM 3 NO_ERROR");
}

TEST(Http2Output, AResetOvertakesTheBody) {
  Answering server(1, h2::setting(h2::kInitialWindowSize, 2));
  server.write(1, "abc", true);
  server.codec.reset(server.stream(1), Http2Error::kInternal);
  const auto written = server.write(1, "c", true);
  EXPECT_EQ(written.taken, 1u) << "it comes to nothing";
  EXPECT_EQ(server.said(), "HEADERS 1 | DATA 1 'ab' | RST_STREAM 1 INTERNAL_ERROR");
}

TEST(Http2Output, AConnectionThatIsOverTakesNothing) {
  Answering server(1);
  server.said();
  server.hear(h2::frame(h2::kPing, 0, 1, "12345678"));
  EXPECT_EQ(server.write(1, "abc", false).taken, 0u);
  EXPECT_EQ(server.said(), "GOAWAY 0 last 1 PROTOCOL_ERROR");
  EXPECT_EQ(server.write(1, "abc", false).taken, 0u);
  EXPECT_FALSE(server.codec.has_output());
}

}  // namespace
}  // namespace roundhouse::http
