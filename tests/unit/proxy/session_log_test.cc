// What the access log says of a connection's requests.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <string>

#include "fake_handler.h"
#include "world.h"

namespace roundhouse::proxy {
namespace {

class SessionLogTest : public testing::Test {
 protected:
  SessionLogTest() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
    reader.reset(ends[0]);
    using enum config::AccessField;
    world = std::make_unique<World>(
        handler,
        config::AccessLog{.format = config::AccessFormat::kLogfmt,
                          .fields = {kMethod, kTarget, kStatus, kRequestBytes, kResponseBytes,
                                     kFailure, kConnectionRequests}},
        UniqueFd(ends[1]));
  }

  // What has been written so far.
  const std::string& lines() {
    world->turn();
    std::array<char, 4096> bytes;
    for (ssize_t n = 0; (n = ::read(reader.get(), bytes.data(), bytes.size())) > 0;)
      text.append(bytes.data(), static_cast<std::size_t>(n));
    return text;
  }
  bool say(const std::string& expected) {
    return world->until([&] { return lines() == expected; });
  }

  FakeHandler handler;
  UniqueFd reader;
  std::string text;
  std::unique_ptr<World> world;
};

TEST_F(SessionLogTest, EachRequestIsALine) {
  Peer peer = world->connect(
      "GET /a?token=x HTTP/1.1\r\nHost: a\r\n\r\n"
      "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
      "HEAD /c HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(
      say("method=GET target=\"/a?token=***\" status=200 request_bytes=0 response_bytes=2 "
          "failure=\"\" connection_requests=1\n"
          "method=POST target=/body status=200 request_bytes=3 response_bytes=1 "
          "failure=\"\" connection_requests=2\n"
          "method=HEAD target=/c status=200 request_bytes=0 response_bytes=0 "
          "failure=\"\" connection_requests=3\n"))
      << text;
}

TEST_F(SessionLogTest, ChunksAreCountedWithoutTheirFraming) {
  Peer peer = world->connect(
      "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n0\r\n\r\n");
  EXPECT_TRUE(
      say("method=POST target=/echo status=200 request_bytes=5 response_bytes=5 "
          "failure=\"\" connection_requests=1\n"))
      << text;
}

TEST_F(SessionLogTest, WhatIsRefusedIsALineWithWhatIsKnown) {
  Peer bad = world->connect("GET /a?sig=1 HTTP/1.1\r\nH\x01: x\r\n\r\n");
  const std::string first =
      "method=GET target=\"/a?sig=***\" status=400 request_bytes=0 response_bytes=46 "
      "failure=bad_field_name connection_requests=1\n";
  EXPECT_TRUE(say(first)) << text;
  Peer noise = world->connect("\x16\x03\x01\x02\x01\xff\x01");
  const std::string second =
      "method=\"\" target=\"\" status=400 request_bytes=0 response_bytes=44 failure=bad_method "
      "connection_requests=1\n";
  EXPECT_TRUE(say(first + second)) << text;
  Peer big = world->connect("POST /big HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n");
  EXPECT_TRUE(say(first + second +
                  "method=POST target=/big status=413 request_bytes=0 response_bytes=45 "
                  "failure=body_too_long connection_requests=1\n"))
      << text;
}

TEST_F(SessionLogTest, AHeadThatDoesNotComeInTimeIsALine) {
  Peer peer = world->connect("GET /slow HT");
  world->pass(std::chrono::seconds(16));
  EXPECT_TRUE(lines().starts_with("method=GET target=/slow status=408 ")) << text;
  EXPECT_NE(text.find("failure=head_timeout connection_requests=1\n"), text.npos) << text;
}

TEST_F(SessionLogTest, AClientThatLeavesIsNamed) {
  Peer waiting = world->connect("GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
  waiting.close();
  world->turn();
  world->pass(std::chrono::seconds(2));  // it is not coming back
  EXPECT_EQ(lines(),
            "method=GET target=/later status=499 request_bytes=0 response_bytes=0 "
            "failure=client_gone connection_requests=1\n");
  text.clear();
  Peer half = world->connect("GET /half");
  half.close();
  EXPECT_TRUE(
      say("method=GET target=/half status=499 request_bytes=0 response_bytes=0 "
          "failure=client_gone connection_requests=1\n"))
      << text;
}

TEST_F(SessionLogTest, AClientThatLeavesInsideAHeadGotNothingOfTheAnswerBefore) {
  Peer peer = world->connect("GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /half");
  peer.close();
  EXPECT_TRUE(
      say("method=GET target=/a status=200 request_bytes=0 response_bytes=2 failure=\"\" "
          "connection_requests=1\n"
          "method=GET target=/half status=499 request_bytes=0 response_bytes=0 "
          "failure=client_gone connection_requests=2\n"))
      << text;
}

TEST_F(SessionLogTest, AnAnswerThatIsCutKeepsItsStatus) {
  Peer peer = world->connect("GET /abort HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(
      say("method=GET target=/abort status=200 request_bytes=0 response_bytes=2 "
          "failure=\"\" connection_requests=1\n"))
      << text;
}

TEST_F(SessionLogTest, ConnectionsWithoutARequestAreNone) {
  Peer silent = world->connect();
  silent.close();
  Peer polite = world->connect("\r\n");
  polite.close();
  Peer idle = world->connect("GET /a HTTP/1.1\r\nHost: a\r\n\r\n\r\n");
  idle.close();
  EXPECT_TRUE(world->until([&] { return world->closed == 3; }));
  EXPECT_EQ(lines(),
            "method=GET target=/a status=200 request_bytes=0 response_bytes=2 failure=\"\" "
            "connection_requests=1\n");
}

TEST_F(SessionLogTest, AWorkerThatEndsBlamesNobody) {
  Peer peer = world->connect("GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
  world.reset();
  std::array<char, 4096> bytes;
  const ssize_t count = ::read(reader.get(), bytes.data(), bytes.size());
  ASSERT_GT(count, 0);
  EXPECT_EQ(std::string(bytes.data(), static_cast<std::size_t>(count)),
            "method=GET target=/later status=0 request_bytes=0 response_bytes=0 failure=\"\" "
            "connection_requests=1\n");
}

}  // namespace
}  // namespace roundhouse::proxy
