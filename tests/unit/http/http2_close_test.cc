// How an HTTP/2 connection is ended by agreement, by either end (RFC 9113 6.8).
#include <gtest/gtest.h>

#include "http2_wire.h"

namespace roundhouse::http {
namespace {

constexpr std::uint32_t kAll = 0x7fffffff;

TEST(Http2Close, AnAnnouncementStillTakesStreams) {
  Wire server(Role::kServer);
  server.hear(h2::get(1));
  server.codec.announce_close();
  EXPECT_EQ(server.said(), "GOAWAY 0 last 2147483647 NO_ERROR");
  server.hear(h2::get(3));
  EXPECT_EQ(server.told(), "head 1 | end 1 | head 3 | end 3");
  server.codec.close(Http2Error::kNone);
  EXPECT_EQ(server.said(), "GOAWAY 0 last 3 NO_ERROR");
  server.hear(h2::get(5));
  EXPECT_EQ(server.told(), "") << "the client knows that this is not looked at";
  for (const int id : {1, 3}) {
    EXPECT_FALSE(server.codec.finished());
    server.codec.answer(server.stream(id), 200, {}, true);
    server.said();
  }
  EXPECT_TRUE(server.codec.finished());
  EXPECT_EQ(server.codec.error(), Http2Error::kNone);
}

TEST(Http2Close, WithoutStreamsItIsAtOnce) {
  Wire server(Role::kServer);
  server.codec.close(Http2Error::kNone);
  EXPECT_FALSE(server.codec.finished()) << "it has not been told";
  EXPECT_EQ(server.said(), "GOAWAY 0 last 0 NO_ERROR");
  EXPECT_TRUE(server.codec.finished());
}

// One that the client opened before it read our GOAWAY, and that we have read before it went out.
TEST(Http2Close, TheLastStreamIsTheLastThatWasTakenWhenItGoesOut) {
  Wire server(Role::kServer);
  server.hear(h2::get(1));
  server.codec.close(Http2Error::kNone);
  server.hear(h2::get(3));
  const std::string said = server.said();
  const bool taken = server.told().contains("head 3");
  EXPECT_EQ(said, taken ? "GOAWAY 0 last 3 NO_ERROR" : "GOAWAY 0 last 1 NO_ERROR");
}

TEST(Http2Close, AnErrorEndsItAtOnce) {
  Wire server(Role::kServer);
  server.hear(h2::post(1));
  server.told();
  server.codec.close(Http2Error::kEnhanceYourCalm);
  server.hear(h2::data(1, "x"));
  EXPECT_EQ(server.said(), "GOAWAY 0 last 1 ENHANCE_YOUR_CALM");
  EXPECT_EQ(server.told(), "");
  EXPECT_TRUE(server.codec.finished());
  EXPECT_EQ(server.codec.error(), Http2Error::kEnhanceYourCalm);
  EXPECT_EQ(server.codec.flood(), std::nullopt);
}

TEST(Http2Close, AClientThatGoesAwayIsStillAnswered) {
  Wire server(Role::kServer);
  server.hear(h2::get(1) + h2::goaway(0, 0));
  EXPECT_EQ(server.told(), "head 1 | end 1 | goaway NO_ERROR");
  EXPECT_FALSE(server.codec.finished());
  server.codec.answer(server.stream(1), 200, {}, true);
  EXPECT_EQ(server.said(), "HEADERS 1 END");
  EXPECT_TRUE(server.codec.finished());
}

TEST(Http2Close, AClientsErrorIsTold) {
  Wire server(Role::kServer);
  server.hear(h2::goaway(0, 2));
  EXPECT_EQ(server.told(), "goaway INTERNAL_ERROR");
  EXPECT_EQ(server.codec.error(), Http2Error::kNone) << "ours is another";
}

struct Client : Wire {
  explicit Client(int streams) : Wire(Role::kClient) {
    for (int i = 0; i < streams; ++i) open(true);
    said();
  }
  static std::string answer(std::uint32_t id) {
    return h2::headers(id, h2::block({{":status", "200"}}), true);
  }
};

TEST(Http2Close, AServerThatGoesAwayRefusesWhatItHasNotSeen) {
  Client client(3);
  client.hear(h2::goaway(1, 0));
  EXPECT_EQ(client.told(), "goaway NO_ERROR | closed 3 REFUSED_STREAM | closed 5 REFUSED_STREAM");
  EXPECT_EQ(client.codec.streams(), 1u);
  EXPECT_FALSE(client.codec.may_open());
  EXPECT_EQ(client.open(true), nullptr);
  EXPECT_FALSE(client.codec.finished());
  client.hear(Client::answer(1));
  EXPECT_EQ(client.told(), "head 1 200 | end 1 | closed 1 NO_ERROR");
  EXPECT_TRUE(client.codec.finished());
}

TEST(Http2Close, AServersAnnouncementRefusesNothing) {
  Client client(2);
  client.hear(h2::goaway(kAll, 0));
  EXPECT_EQ(client.told(), "goaway NO_ERROR");
  EXPECT_FALSE(client.codec.may_open()) << "others may, but there are other connections";
  client.hear(h2::goaway(1, 0));
  EXPECT_EQ(client.told(), "goaway NO_ERROR | closed 3 REFUSED_STREAM");
}

// 6.8: what a server has not seen may be asked elsewhere.
TEST(Http2Close, ARequestThatHasNotGoneOutIsRefused) {
  Client client(1);
  client.open(true);
  client.open(false);
  client.hear(h2::goaway(kAll, 0));
  EXPECT_EQ(client.said(), "");
  EXPECT_EQ(client.told(), "goaway NO_ERROR | closed 3 REFUSED_STREAM | closed 5 REFUSED_STREAM");
  EXPECT_EQ(client.codec.streams(), 1u);
}

TEST(Http2Close, AServersErrorIsTold) {
  Client client(2);
  client.hear(h2::goaway(1, 11));
  EXPECT_EQ(client.told(), "goaway ENHANCE_YOUR_CALM | closed 3 REFUSED_STREAM");
  EXPECT_EQ(client.codec.error(), Http2Error::kNone);
}

TEST(Http2Close, TheLastStreamMayNotGrow) {
  Client client(3);
  client.hear(h2::goaway(1, 0) + h2::goaway(5, 0));
  EXPECT_EQ(client.said(), "GOAWAY 0 last 0 PROTOCOL_ERROR");
  EXPECT_TRUE(client.codec.finished());
}

TEST(Http2Close, TheLastStreamMustBeOfThoseThatItIsAskedFor) {
  Client client(1);
  client.hear(h2::goaway(2, 0));
  EXPECT_EQ(client.said(), "GOAWAY 0 last 0 PROTOCOL_ERROR");
}

TEST(Http2Close, AClientThatClosesTakesItsAnswers) {
  Client client(1);
  client.codec.close(Http2Error::kNone);
  EXPECT_EQ(client.said(), "GOAWAY 0 last 0 NO_ERROR");
  EXPECT_FALSE(client.codec.may_open());
  EXPECT_FALSE(client.codec.finished());
  client.hear(Client::answer(1));
  EXPECT_EQ(client.told(), "head 1 200 | end 1 | closed 1 NO_ERROR");
  EXPECT_TRUE(client.codec.finished());
}

TEST(Http2Close, AClientThatClosesForAnErrorIsDone) {
  Client client(1);
  client.codec.close(Http2Error::kInternal);
  client.open(true);
  EXPECT_EQ(client.said(), "GOAWAY 0 last 0 INTERNAL_ERROR");
  EXPECT_TRUE(client.codec.finished());
  EXPECT_FALSE(client.codec.has_output());
}

}  // namespace
}  // namespace roundhouse::http
