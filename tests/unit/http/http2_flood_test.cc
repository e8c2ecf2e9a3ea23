// What one HTTP/2 connection may send of frames that cost us work: floods end it, real clients
// never come near.
#include <gtest/gtest.h>

#include "http2_wire.h"

namespace roundhouse::http {
namespace {

using namespace std::chrono_literals;

TEST(Http2Budget, EveryKindHasABurstAndComesBackWithTime) {
  const struct {
    Http2Flood kind;
    int burst;
    int per_second;
  } kTable[] = {
      {Http2Flood::kResets, 300, 50},        {Http2Flood::kPings, 50, 5},
      {Http2Flood::kSettings, 20, 1},        {Http2Flood::kEmptyFrames, 100, 10},
      {Http2Flood::kWindowUpdates, 500, 50}, {Http2Flood::kPriorities, 300, 50},
      {Http2Flood::kContinuations, 0, 0},
  };
  for (const auto& row : kTable) {
    Http2Budget budget;
    Http2Budget::Time now{1h};
    const auto drain = [&] {
      int taken = 0;
      while (budget.take(row.kind)) ++taken;
      return taken;
    };
    budget.set_time(now);
    EXPECT_EQ(drain(), row.burst) << name_of(row.kind);
    budget.set_time(now += 2s);
    EXPECT_EQ(drain(), 2 * row.per_second) << name_of(row.kind);
    budget.set_time(now += 1h);
    EXPECT_EQ(drain(), row.burst) << name_of(row.kind) << ": never more";
    EXPECT_FALSE(budget.take(row.kind));
  }
}

TEST(Http2Budget, OneKindUsesUpNoOther) {
  Http2Budget budget;
  while (budget.take(Http2Flood::kPings)) {
  }
  EXPECT_TRUE(budget.take(Http2Flood::kResets));
  EXPECT_TRUE(budget.take(Http2Flood::kSettings));
}

TEST(Http2Budget, WhatIsEarnedIsBounded) {
  Http2Budget budget;
  for (int i = 0; i < 100'000; ++i) budget.earn();
  int taken = 0;
  while (budget.take(Http2Flood::kWindowUpdates)) ++taken;
  EXPECT_EQ(taken, 5000);
  for (taken = 0; budget.take(Http2Flood::kPings);) ++taken;
  EXPECT_EQ(taken, 500);
  for (taken = 0; budget.take(Http2Flood::kResets);) ++taken;
  EXPECT_EQ(taken, 300) << "nothing earns that";
}

TEST(Http2Budget, ItsNamesAreThoseOfTheMetric) {
  EXPECT_EQ(name_of(Http2Flood::kResets), "resets");
  EXPECT_EQ(name_of(Http2Flood::kContinuations), "continuations");
}

struct Flood {
  const char* name;
  Http2Flood kind;
  std::string (*piece)(std::uint32_t number);
  int most;  // pieces that are taken
};
void PrintTo(const Flood& one, std::ostream* out) { *out << one.name; }

class Http2Floods : public testing::TestWithParam<Flood> {};

TEST_P(Http2Floods, EndTheConnection) {
  Wire server(Role::kServer);
  server.hear(h2::post(1));
  server.said();
  server.told();
  std::uint32_t number = 0;
  while (!server.codec.finished()) {
    ASSERT_LT(number, 2000u);
    server.hear(GetParam().piece(number++));
    const std::string said = server.said();
    EXPECT_EQ(server.codec.finished(), said.ends_with("ENHANCE_YOUR_CALM")) << said;
  }
  EXPECT_EQ(server.codec.flood(), GetParam().kind);
  EXPECT_EQ(server.codec.error(), Http2Error::kEnhanceYourCalm);
  EXPECT_EQ(static_cast<int>(number) - 1, GetParam().most);
  EXPECT_FALSE(server.codec.has_output());
}

std::uint32_t stream_of(std::uint32_t number) { return 2 * number + 3; }

const Flood kFloods[] = {
    {"RapidReset", Http2Flood::kResets,
     [](std::uint32_t n) { return h2::get(stream_of(n)) + h2::rst_stream(stream_of(n), 8); }, 300},
    {"RequestsThatMustBeReset", Http2Flood::kResets,
     [](std::uint32_t n) { return h2::headers(stream_of(n), h2::block({{"x", "y"}}), true); }, 300},
    {"WindowsThatOverflow", Http2Flood::kResets,
     [](std::uint32_t n) {
       return h2::post(stream_of(n)) + h2::window_update(stream_of(n), 0x7fffffff);
     },
     300},
    {"Pings", Http2Flood::kPings, [](std::uint32_t) { return h2::ping(); }, 51},
    {"Settings", Http2Flood::kSettings, [](std::uint32_t) { return h2::settings(); }, 19},
    {"EmptyData", Http2Flood::kEmptyFrames, [](std::uint32_t) { return h2::data(1, ""); }, 100},
    {"PaddedEmptyData", Http2Flood::kEmptyFrames,
     [](std::uint32_t) { return h2::frame(h2::kData, h2::kPadded, 1, h2::number(2, 1) + "\1\1"); },
     100},
    {"WindowUpdates", Http2Flood::kWindowUpdates,
     [](std::uint32_t) { return h2::window_update(0, 1); }, 504},
    {"StreamWindowUpdates", Http2Flood::kWindowUpdates,
     [](std::uint32_t) { return h2::window_update(1, 1); }, 504},
    {"Priorities", Http2Flood::kPriorities,
     [](std::uint32_t) { return h2::frame(h2::kPriority, 0, 9, h2::number(1, 5)); }, 304},
    {"Continuations", Http2Flood::kContinuations,
     [](std::uint32_t n) {
       return n == 0 ? h2::frame(h2::kHeaders, h2::kEndStream, 3, h2::get_block())
                     : h2::frame(h2::kContinuation, 0, 3);
     },
     10},
    {"HeadWithoutEnd", Http2Flood::kContinuations,
     [](std::uint32_t n) {
       const std::string much = h2::block({{"x", std::string(16'000, 'x')}});
       return n == 0 ? h2::frame(h2::kHeaders, h2::kEndStream, 3, h2::get_block())
                     : h2::frame(h2::kContinuation, 0, 3, much);
     },
     9},
};
INSTANTIATE_TEST_SUITE_P(Each, Http2Floods, testing::ValuesIn(kFloods),
                         [](const auto& info) { return std::string(info.param.name); });

// One byte of HPACK stands for kilobytes: a head is as long as what it says.
TEST(Http2Flooding, ACompressedHeadCountsAsWhatItSays) {
  Wire server(Role::kServer);
  const std::string large(4000, 'x');
  const std::string bomb = h2::get_block() + "\x40" + h2::literal("x") + h2::literal(large) +
                           std::string(10'000, '\xbe');  // 62: the newest in the table
  server.hear(h2::headers(1, bomb, true));
  server.said();
  EXPECT_EQ(server.told(), "");
  EXPECT_EQ(server.codec.flood(), Http2Flood::kContinuations);
}

// Nothing is done for them.
TEST(Http2Flooding, FramesOfUnknownTypesArePassedOver) {
  Wire server(Role::kServer);
  for (std::uint32_t n = 0; n < 10'000; ++n)
    server.hear(h2::frame(0xbb, 0xff, n, "what?") + h2::frame(0x10, 0, 0, "    u=1"));
  server.hear(h2::get(1));
  EXPECT_EQ(server.told(), "head 1 | end 1");
  EXPECT_EQ(server.said(), "");
}

class Http2RealClients : public testing::Test {
 protected:
  void expect_well(Wire& wire) {
    EXPECT_FALSE(wire.codec.finished());
    EXPECT_EQ(wire.codec.flood(), std::nullopt);
  }
};

TEST_F(Http2RealClients, ABrowserDropsAllItsStreamsAgainAndAgain) {
  Wire server(Role::kServer);
  std::uint32_t id = 1;
  for (int page = 0; page < 50; ++page) {
    const std::uint32_t first = id;
    for (; id < first + 200; id += 2) server.hear(h2::get(id));
    for (std::uint32_t gone = first; gone < id; gone += 2) server.hear(h2::rst_stream(gone, 8));
    server.now += 3s;
    server.said();
  }
  expect_well(server);
}

TEST_F(Http2RealClients, PingsKeepAConnectionAlive) {
  Wire server(Role::kServer);
  for (int i = 0; i < 10'000; ++i) {
    server.hear(h2::ping());
    EXPECT_EQ(server.said(), "PING 0 ACK");
    server.now += 10s;
  }
  expect_well(server);
}

// Go's gRPC measures the bandwidth so, both ways.
TEST_F(Http2RealClients, APingForEveryRoundTripOfALongAnswer) {
  Wire server(Role::kServer, {}, h2::setting(h2::kInitialWindowSize, 1'000'000));
  server.hear(h2::get(1) + h2::window_update(0, 1'000'000));
  server.codec.answer(server.stream(1), 200, {}, false);
  for (int i = 0; i < 2000; ++i) {
    ASSERT_EQ(server.write(1, std::string(100, 'x'), false).taken, 100u);
    server.hear(h2::ping());
    server.said();
    server.now += 200us;
  }
  expect_well(server);
}

TEST_F(Http2RealClients, TwoWindowUpdatesForEveryPieceOfData) {
  Wire server(Role::kServer);
  server.hear(h2::get(1));
  server.codec.answer(server.stream(1), 200, {}, false);
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_EQ(server.write(1, std::string(100, 'x'), false).taken, 100u);
    server.said();
    server.hear(h2::window_update(0, 100) + h2::window_update(1, 100));
  }
  expect_well(server);
}

TEST_F(Http2RealClients, APriorityWithEveryRequest) {
  Wire server(Role::kServer);
  for (std::uint32_t id = 1; id < 4000; id += 2) {
    server.hear(h2::get(id) + h2::frame(h2::kPriority, 0, id, h2::number(1, 5)) +
                h2::frame(0x10, 0, 0, h2::number(id, 4) + "u=1"));
    server.codec.answer(server.stream(static_cast<std::int32_t>(id)), 200, {}, true);
    server.said();
  }
  expect_well(server);
}

TEST_F(Http2RealClients, ThousandsOfRequestsASecondAndSomeOfThemInError) {
  Wire server(Role::kServer);
  for (std::uint32_t id = 1; id < 20'000; id += 2) {
    server.hear(id % 100 == 1 ? h2::headers(id, h2::block({{"x", "y"}}), true) : h2::get(id));
    server.now += 1ms;
    if (id % 100 != 1)
      server.codec.answer(server.stream(static_cast<std::int32_t>(id)), 200, {}, true);
    server.said();
  }
  expect_well(server);
}

std::string ok(std::uint32_t id) { return h2::headers(id, h2::block({{":status", "200"}}), false); }

// A server under load may refuse what it is asked for, and end early what it has answered.
TEST_F(Http2RealClients, AServerMayResetEveryStreamThatWeOpened) {
  Wire client(Role::kClient);
  for (std::uint32_t id = 1; id < 4000; id += 2) {
    ASSERT_NE(client.open(id % 4 == 1, "POST"), nullptr);
    client.said();
    client.hear(id % 4 == 1 ? h2::rst_stream(id, 7)
                            : ok(id) + h2::data(id, "", true) + h2::rst_stream(id, 0));
  }
  expect_well(client);
}

TEST_F(Http2RealClients, AnswersThatWeMustResetAreTheServersAffairOfThatStream) {
  Wire client(Role::kClient);
  for (std::uint32_t id = 1; id < 2000; id += 2) {
    ASSERT_NE(client.open(true), nullptr);
    client.said();
    client.hear(h2::headers(id, h2::block({{"x", "y"}}), true));
    ASSERT_EQ(client.said(), "RST_STREAM " + std::to_string(id) + " PROTOCOL_ERROR");
  }
  expect_well(client);
}

TEST(Http2Flooding, OfAServerEndsItsConnectionToo) {
  const struct {
    Http2Flood kind;
    std::string piece;
  } kTable[] = {
      {Http2Flood::kPings, h2::ping()},
      {Http2Flood::kSettings, h2::settings()},
      {Http2Flood::kEmptyFrames, h2::data(1, "")},
      {Http2Flood::kWindowUpdates, h2::window_update(0, 1)},
      {Http2Flood::kPriorities, h2::frame(h2::kPriority, 0, 1, h2::number(3, 5))},
  };
  for (const auto& row : kTable) {
    Wire client(Role::kClient);
    client.open(true);
    client.said();
    client.hear(ok(1));
    std::string flood;
    for (int i = 0; i < 1000; ++i) flood += row.piece;
    client.hear(flood);
    EXPECT_TRUE(client.said().ends_with("GOAWAY 0 last 0 ENHANCE_YOUR_CALM")) << name_of(row.kind);
    EXPECT_EQ(client.codec.flood(), row.kind) << name_of(row.kind);
    EXPECT_TRUE(client.codec.finished());
  }
}

TEST(Http2Flooding, AServersResetsOfStreamsThatAreGone) {
  Wire client(Role::kClient);
  client.open(true);
  client.said();
  std::string flood;
  for (int i = 0; i < 400; ++i) flood += h2::rst_stream(1, 8);
  client.hear(flood);
  client.said();
  EXPECT_EQ(client.codec.flood(), Http2Flood::kResets);
}

}  // namespace
}  // namespace roundhouse::http
