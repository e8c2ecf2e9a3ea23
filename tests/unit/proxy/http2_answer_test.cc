// Answers on streams of HTTP/2: what a handler says, and what a client makes of it.
#include "proxy/http2_answer.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <memory>
#include <string>

namespace roundhouse::proxy {
namespace {

using http::Framing;
using http::Http2Codec;
using http::Http2Event;

constexpr std::string_view kDateLine = "Date: today\r\n";

// What a client has of one answer.
struct Received {
  std::vector<std::string> interim;
  std::string status;
  std::vector<std::string> fields;  // "name: value"
  std::string body;
  std::vector<std::string> trailers;
  bool ended = false;
  http::Http2Error error = http::Http2Error::kNone;
};

// A client and a server without a network, and a request that is being answered. The test says how
// much room there is to send.
class Http2Answers : public testing::Test, private StreamOutlet {
 protected:
  // `window`: of the client, for each stream.
  void ask(std::string_view method = "GET", std::uint32_t window = 65535) {
    server_ = std::make_unique<Http2Codec>(Http2Codec::Role::kServer, http::Http2Limits{}, heads_);
    client_ = std::make_unique<Http2Codec>(Http2Codec::Role::kClient,
                                           http::Http2Limits{.stream_window = window}, heads_);
    pass();
    asked_ = client_->request({.method = method,
                               .scheme = "http",
                               .authority = "a",
                               .path = "/",
                               .fields = {},
                               .ended = true});
    pass();
    ASSERT_NE(stream_, nullptr);
    answer.start(*this, *stream_, request_, kDateLine);
  }
  // Everything that waits, both ways, until nothing does.
  void pass() {
    for (bool moved = true; moved;) {
      moved = move(*client_, *server_);
      moved = move(*server_, *client_) || moved;
    }
    EXPECT_EQ(received.error, http::Http2Error::kNone);
  }
  // The client has read what came.
  void read() {
    client_->consume(*asked_, received.body.size() - read_);
    read_ = received.body.size();
    pass();
  }
  std::string value_of(std::string_view name) const {
    std::string values;
    for (const std::string& field : received.fields)
      if (field.starts_with(std::string(name) + ": ")) values += field.substr(name.size() + 2);
    return values;
  }

  Http2Answer answer;
  Received received;
  std::size_t room_left = 1 << 20;  // for data

 private:
  Http2Codec& codec() override { return *server_; }
  HeadSpace& head_space() override { return space_; }
  Http2Codec::Written write(http::Http2Stream& stream, std::string_view data, bool ends) override {
    std::string room(1 << 17, '\0');
    const std::string_view some = data.substr(0, room_left);
    const auto written = server_->write(stream, some, ends && some.size() == data.size(), room);
    room_left -= written.taken;
    client_->receive(std::string_view(room).substr(0, written.produced), {});
    take_events(*client_);
    return written;
  }
  std::size_t room(const http::Http2Stream& stream) const override {
    return std::min(room_left, server_->window(stream));
  }

  bool move(Http2Codec& from, Http2Codec& to) {
    std::array<char, 10'000> room;
    const std::size_t size = from.produce(room);
    take_events(from);
    to.receive({room.data(), size}, {});
    take_events(to);
    return size > 0;
  }
  void take_events(Http2Codec& codec) {
    while (auto event = codec.next_event()) {
      if (&codec == server_.get())
        take_request(*std::move(event));
      else
        take_answer(*std::move(event));
    }
  }
  void take_request(Http2Event event) {
    if (event.kind != Http2Event::Kind::kHead) return;
    stream_ = event.stream;
    head_ = std::move(event.head);
    ASSERT_EQ(http::read_request(*head_, request_), http::Failure::kNone);
  }
  void take_answer(Http2Event event) {
    std::vector<std::string> fields;
    for (std::size_t i = 0; event.head != nullptr && i < event.head->fields.size(); ++i) {
      const http::Field field = event.head->fields[i];
      fields.push_back(std::string(field.name) + ": " + std::string(field.value));
    }
    if (event.kind == Http2Event::Kind::kHead && event.head->status < "200") {
      received.interim.emplace_back(event.head->status);
    } else if (event.kind == Http2Event::Kind::kHead) {
      received.status = event.head->status;
      received.fields = std::move(fields);
    } else if (event.kind == Http2Event::Kind::kTrailers) {
      received.trailers = std::move(fields);
    }
    received.body += event.data;
    if (event.kind == Http2Event::Kind::kEnd) received.ended = true;
    if (event.kind == Http2Event::Kind::kClosed) received.error = event.error;
    if (event.head != nullptr) heads_.release(std::move(event.head));
  }

  http::Http2HeadPool heads_{50};
  std::unique_ptr<Http2Codec> server_;
  std::unique_ptr<Http2Codec> client_;
  HeadSpace space_{4096};
  http::Request request_{50};
  std::unique_ptr<http::Http2Head> head_;
  http::Http2Stream* stream_ = nullptr;
  http::Http2Stream* asked_ = nullptr;
  std::size_t read_ = 0;
};

TEST_F(Http2Answers, AWholeAnswer) {
  ask();
  EXPECT_TRUE(answer.respond(200, "Content-Type: text/plain\r\n", "hello"));
  EXPECT_TRUE(answer.done());
  EXPECT_FALSE(answer.holds_rest());
  EXPECT_EQ(answer.body_bytes(), 5u);
  pass();
  EXPECT_EQ(received.status, "200");
  EXPECT_EQ(received.fields, (std::vector<std::string>{"date: today", "content-type: text/plain",
                                                       "content-length: 5"}));
  EXPECT_EQ(received.body, "hello");
  EXPECT_TRUE(received.ended);
}

TEST_F(Http2Answers, AWholeAnswerThatFindsNoRoomIsKept) {
  ask("GET", 3);
  EXPECT_TRUE(answer.respond(200, "", "hello"));
  EXPECT_TRUE(answer.done());
  EXPECT_TRUE(answer.holds_rest());
  EXPECT_EQ(answer.body_bytes(), 5u);
  pass();
  EXPECT_EQ(received.body, "hel");
  answer.flush_rest();
  EXPECT_TRUE(answer.holds_rest()) << "nothing was read";
  read();
  answer.flush_rest();
  EXPECT_FALSE(answer.holds_rest());
  pass();
  EXPECT_EQ(received.body, "hello");
  EXPECT_TRUE(received.ended);
}

TEST_F(Http2Answers, AWholeAnswerWithoutRoomAtAll) {
  ask();
  room_left = 0;
  EXPECT_TRUE(answer.respond(503, "", "busy"));
  EXPECT_TRUE(answer.holds_rest());
  room_left = 1;
  answer.flush_rest();
  EXPECT_TRUE(answer.holds_rest());
  room_left = 100;
  answer.flush_rest();
  EXPECT_FALSE(answer.holds_rest());
  pass();
  EXPECT_EQ(received.body, "busy");
  EXPECT_TRUE(received.ended);
}

TEST_F(Http2Answers, AnEmptyAnswerIsAHeadAlone) {
  ask();
  EXPECT_TRUE(answer.respond(404, "", ""));
  pass();
  EXPECT_EQ(received.status, "404");
  EXPECT_TRUE(received.ended);
}

TEST_F(Http2Answers, ABodyOfKnownLengthIsTakenAsTheWindowAllows) {
  ask("GET", 1000);
  answer.begin(200);
  ASSERT_TRUE(answer.begin_body({Framing::kLength, 2500}));
  const std::string body(2500, 'x');
  std::size_t taken = 0;
  int pieces = 0;
  while (taken < body.size()) {
    ASSERT_LT(++pieces, 10);
    const std::size_t more = answer.write(std::string_view(body).substr(taken));
    taken += more;
    EXPECT_EQ(answer.take_starved(), taken < body.size());
    read();
  }
  EXPECT_TRUE(answer.end());
  EXPECT_EQ(pieces, 3);
  EXPECT_EQ(received.body, body);
  EXPECT_EQ(value_of("content-length"), "2500");
  EXPECT_TRUE(received.ended);
}

TEST_F(Http2Answers, ABodyOfUnknownLengthEndsWhenItIsSaid) {
  ask();
  answer.begin(200).field("X-A", "b");
  ASSERT_TRUE(answer.begin_body({Framing::kChunked, 0}));
  EXPECT_EQ(answer.write("abc"), 3u);
  EXPECT_EQ(answer.write("def"), 3u);
  pass();
  EXPECT_EQ(received.body, "abcdef") << "without chunks";
  EXPECT_FALSE(received.ended);
  EXPECT_TRUE(answer.end());
  pass();
  EXPECT_TRUE(received.ended);
  EXPECT_EQ(value_of("x-a"), "b");
  EXPECT_EQ(value_of("transfer-encoding") + value_of("content-length"), "");
}

TEST_F(Http2Answers, ItsEndNeedsNoWindow) {
  ask("GET", 3);
  answer.begin(200);
  ASSERT_TRUE(answer.begin_body({Framing::kChunked, 0}));
  EXPECT_EQ(answer.write("abc"), 3u);
  EXPECT_TRUE(answer.end());
  pass();
  EXPECT_EQ(received.body, "abc");
  EXPECT_TRUE(received.ended) << "though the client has read nothing";
}

TEST_F(Http2Answers, ABodyOfKnownLengthWaitsForTrailersThatAreExpected) {
  for (const bool come : {false, true}) {
    received = {};
    ask();
    answer.begin(200);
    answer.expect_trailers();
    ASSERT_TRUE(answer.begin_body({Framing::kLength, 3}));
    answer.write("abc");
    pass();
    EXPECT_EQ(received.body, "abc");
    EXPECT_FALSE(received.ended);
    http::FieldTable trailers(1);
    if (come) trailers.append({.name_begin = 0, .name_size = 1, .value_begin = 1, .value_size = 1});
    trailers.attach("xy");
    EXPECT_TRUE(answer.end(&trailers));
    pass();
    EXPECT_TRUE(received.ended);
    EXPECT_EQ(received.trailers.size(), come ? 1u : 0u);
  }
}

TEST_F(Http2Answers, TrailersEndTheBody) {
  ask();
  answer.begin(200);
  ASSERT_TRUE(answer.begin_body({Framing::kChunked, 0}));
  answer.write("abc");
  const std::string text = "X-Sum1";
  http::FieldTable trailers(1);
  trailers.append({.name_begin = 0, .name_size = 5, .value_begin = 5, .value_size = 1});
  trailers.attach(text);
  EXPECT_TRUE(answer.end(&trailers));
  pass();
  EXPECT_EQ(received.trailers, std::vector<std::string>{"x-sum: 1"});
  EXPECT_TRUE(received.ended);
}

TEST_F(Http2Answers, AnAnswerToHeadHasALengthAndNoBody) {
  ask("HEAD");
  answer.begin(200);
  ASSERT_TRUE(answer.begin_body({Framing::kLength, 5}));
  EXPECT_EQ(answer.write("hello"), 5u) << "swallowed";
  EXPECT_TRUE(answer.end());
  pass();
  EXPECT_EQ(value_of("content-length"), "5");
  EXPECT_EQ(received.body, "");
  EXPECT_TRUE(received.ended);
}

TEST_F(Http2Answers, NeitherHasOneThatMustNot) {
  ask();
  answer.begin(204);
  ASSERT_TRUE(answer.begin_body({Framing::kNone, 0}));
  EXPECT_TRUE(answer.end());
  pass();
  EXPECT_EQ(received.status, "204");
  EXPECT_EQ(value_of("content-length"), "");
  EXPECT_TRUE(received.ended);
}

TEST_F(Http2Answers, InterimAnswersComeFirst) {
  ask();
  answer.begin_interim(103).field("Link", "</a>");
  EXPECT_TRUE(answer.end_interim());
  EXPECT_FALSE(answer.begun());
  EXPECT_TRUE(answer.respond(200, "", "x"));
  pass();
  EXPECT_EQ(received.interim, std::vector<std::string>{"103"});
  EXPECT_EQ(received.status, "200");
}

// RFC 9113 8.2.2: a client would have to take the answer for malformed.
TEST_F(Http2Answers, WhatSteersAConnectionOfHttp1IsLeftOut) {
  ask();
  answer.begin_forwarded(200)
      .field("Connection", "close")
      .field("Keep-Alive", "timeout=5")
      .field("Proxy-Connection", "close")
      .field("Transfer-Encoding", "chunked")
      .field("Upgrade", "h2c")
      .field("X-Kept", "")
      .field("Set-Cookie", "a=b")
      .field("Set-Cookie", "c=d");
  ASSERT_TRUE(answer.begin_body({Framing::kNone, 0}));
  EXPECT_TRUE(answer.end());
  pass();
  EXPECT_EQ(received.fields,
            (std::vector<std::string>{"x-kept: ", "set-cookie: a=b", "set-cookie: c=d"}));
  EXPECT_TRUE(received.ended);
}

TEST_F(Http2Answers, AHeadThatDoesNotFitIsNotSentAndAnotherMayBegin) {
  ask();
  answer.begin(200).field("X", std::string(5000, 'x'));
  EXPECT_FALSE(answer.begin_body({Framing::kLength, 5}));
  EXPECT_FALSE(answer.begun());
  EXPECT_TRUE(answer.respond(502, "", "sorry"));
  pass();
  EXPECT_EQ(received.status, "502");
  EXPECT_EQ(received.body, "sorry");
}

TEST_F(Http2Answers, ThereAreNoTunnels) {
  ask();
  answer.begin_forwarded(101);
  EXPECT_FALSE(answer.begin_tunnel());
  EXPECT_FALSE(answer.begun());
  EXPECT_FALSE(answer.goes_as_it_is());
}

TEST_F(Http2Answers, RoomIsWhatTheWindowAndTheOutputLeave) {
  ask("GET", 100);
  answer.begin(200);
  ASSERT_TRUE(answer.begin_body({Framing::kLength, 200}));
  pass();
  EXPECT_TRUE(answer.has_room(100));
  EXPECT_FALSE(answer.has_room(101));
  EXPECT_TRUE(answer.take_starved());
  room_left = 10;
  EXPECT_FALSE(answer.has_room(11));
  EXPECT_TRUE(answer.has_room(10));
}

}  // namespace
}  // namespace roundhouse::proxy
