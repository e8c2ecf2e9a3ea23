// HTTP/2 with clients, of the real program: limits, flow control, floods and the end.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "support/client.h"
#include "support/http2_client.h"
#include "support/http2_frames.h"
#include "support/instance.h"
#include "support/operated.h"
#include "support/origin.h"
#include "support/proxied.h"

namespace roundhouse::test {
namespace {

using http::Http2Error;
using Reply = Origin::Reply;
using Seen = Origin::Seen;

std::string floods(const std::string& kind) {
  return "roundhouse_http2_floods_total{listener=\"web\",reason=\"" + kind + "\"}";
}

TEST(Http2Limits, WhatIsTooLargeIsRefusedAndTheConnectionGoesOn) {
  const Origin origin("hello");
  const Instance instance(
      kOneProxy, upstream_of({&origin}),
      {.listener = "limits: {headers: 2KiB, line: 1KiB, header_count: 20, body: 1000}"});
  Http2Client client(instance.web());
  EXPECT_EQ(client.wait(client.request("GET", "/", {{"x", std::string(3000, 'x')}})).status, 431);
  EXPECT_EQ(client.wait(client.request("GET", "/", Http2Client::Fields(30, {"x", "y"}))).status,
            431);
  EXPECT_EQ(client.wait(client.request("PUT", "/", {{"content-length", "1001"}}, false)).status,
            413);
  const auto streamed = client.request("PUT", "/", {}, false);
  client.write(streamed, std::string(1001, 'x'));
  EXPECT_EQ(client.wait(streamed).status, 413);
  const auto trailed = client.request("PUT", "/", {}, false);
  ASSERT_TRUE(client.write(trailed, "x"));
  client.end(trailed, {{"x", std::string(3000, 'x')}});
  EXPECT_EQ(client.wait(trailed).status, 431) << "never half of them";
  EXPECT_EQ(client.wait(client.get("/")).body, "hello");
}

TEST(Http2Limits, StreamsBeyondTheLimitAreRefused) {
  const Instance instance("hello: {workers: 1}", "", {.listener = "limits: {streams: 3}"});
  Http2Client client(instance.web());
  std::vector<Http2Client::Id> ids;  // before the limit is known
  for (int i = 0; i < 5; ++i) ids.push_back(client.request("POST", "/echo", {}, false));
  EXPECT_EQ(client.wait(ids[3]).error, Http2Error::kRefusedStream);
  EXPECT_EQ(client.wait(ids[4]).error, Http2Error::kRefusedStream);
  EXPECT_EQ(client.request("POST", "/echo", {}, false), 0) << "now it is";
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(client.write(ids[i], "x", true));
    EXPECT_EQ(client.wait(ids[i]).body, "x");
  }
  EXPECT_EQ(client.wait(client.get("/")).status, 200);
  EXPECT_TRUE(instance.metric_reaches("roundhouse_http2_streams_total{listener=\"web\"}", 4));
}

TEST(Http2Limits, AConnectionEndsAfterItsRequests) {
  const Instance instance("hello: {workers: 1}", "",
                          {.listener = "limits: {requests_per_connection: 3, streams: 1}"});
  Http2Client client(instance.web());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.wait(client.get("/")).status, 200);
  EXPECT_TRUE(client.until_end());
  EXPECT_TRUE(client.going_away());
  EXPECT_EQ(client.goaway_error(), Http2Error::kNone);
}

TEST(Http2Limits, AnIdleConnectionIsEndedWithAGoaway) {
  const Instance instance("hello: {workers: 1}", "", {.listener = "timeouts: {keep_alive: 100ms}"});
  Http2Client client(instance.web());
  EXPECT_EQ(client.wait(client.get("/")).status, 200);
  EXPECT_TRUE(client.until_end());
  EXPECT_TRUE(client.going_away());
}

TEST(Http2Limits, ABodyThatDoesNotComeIsAnsweredOnItsStream) {
  const Origin origin("hello");
  const Instance instance(kOneProxy, upstream_of({&origin}),
                          {.listener = "timeouts: {body_idle: 200ms}"});
  Http2Client client(instance.web());
  const auto slow = client.request("PUT", "/", {{"content-length", "10"}}, false);
  ASSERT_TRUE(client.write(slow, "five."));
  EXPECT_EQ(client.wait(slow).status, 408);
  EXPECT_EQ(client.wait(client.get("/")).body, "hello");
}

TEST(Http2Flow, AStreamThatIsNotReadHoldsUpNoOther) {
  const Instance instance("hello: {workers: 1}");
  Http2Client client(instance.web());
  const auto held = client.get("/bytes?n=1000000");
  client.hold(held);
  ASSERT_TRUE(client.until([&] { return client.answer(held).body.size() >= 65536; }));
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(client.wait(client.get("/bytes?n=200000")).body.size(), 200000u);
  EXPECT_EQ(client.answer(held).body.size(), 65536u) << "its window, and not a byte more";
  client.release(held);
  EXPECT_EQ(client.wait(held).body.size(), 1000000u);
}

TEST(Http2Flow, AStreamWhoseWindowStaysShutIsReset) {
  const Instance instance("hello: {workers: 1}", "", {.listener = "timeouts: {body_idle: 200ms}"});
  Http2Client client(instance.web());
  const auto held = client.get("/bytes?n=1000000");
  client.hold(held);
  const auto& answer = client.wait(held);
  EXPECT_FALSE(answer.ended);
  EXPECT_EQ(answer.error, Http2Error::kCancel);
  EXPECT_EQ(client.wait(client.get("/")).status, 200);
}

TEST(Http2Flow, SmallAnswersWaitForAWindowToo) {
  const Instance instance("hello: {workers: 1}");
  Http2Client client(instance.web(), {.stream_window = 5});
  const auto id = client.get("/");
  client.hold(id);
  ASSERT_TRUE(client.until([&] { return client.answer(id).body.size() == 5; }));
  client.release(id);
  const auto& answer = client.wait(id);
  EXPECT_TRUE(answer.ended);
  EXPECT_EQ(std::to_string(answer.body.size()), answer.headers.at("content-length"));
}

// Takes connections, as far as the kernel does, and reads nothing.
class Stuck {
 public:
  Stuck() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int small = 4096;
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    const Address any = Address::loopback(0);
    EXPECT_EQ(::bind(fd_.get(), any.data(), any.size()), 0);
    EXPECT_EQ(::listen(fd_.get(), 16), 0);
  }
  Address address() const {
    sockaddr_in bound{};
    socklen_t size = sizeof bound;
    ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&bound), &size);
    return Address::loopback(ntohs(bound.sin_port));
  }

 private:
  UniqueFd fd_;
};

TEST(Http2Flow, AnUpstreamThatTakesNothingHoldsUpOnlyItsStream) {
  const Stuck stuck;
  const Origin origin("hello");
  const Instance instance(kOneProxy,
                          "upstreams: {stuck: {servers: ['" + stuck.address().to_string() +
                              "']}, site: {servers: ['" + origin.address().to_string() +
                              "']}}\n"
                              "routes: [{path: /stuck/, upstream: stuck}, {upstream: site}]\n");
  Http2Client client(instance.web());
  const std::string body(10'000'000, 'x');
  const auto up =
      client.request("PUT", "/stuck/", {{"content-length", std::to_string(body.size())}}, false);
  std::size_t sent = 0;
  std::size_t before = 1;
  while (sent != before) {  // until its window stays shut
    before = sent;
    for (int i = 0; i < 10; ++i) {
      sent += client.offer(up, std::string_view(body).substr(sent));
      EXPECT_EQ(client.wait(client.get("/")).body, "hello");
    }
  }
  EXPECT_LT(sent, body.size());
  client.reset(up, Http2Error::kCancel);
  EXPECT_EQ(client.wait(client.get("/")).body, "hello");
}

struct FloodCase {
  const char* kind;
  // What is sent again and again; `number` counts up from 0.
  std::string (*piece)(std::uint32_t number);
};

class Http2Flood : public testing::TestWithParam<FloodCase> {};

TEST_P(Http2Flood, EndsItsConnectionAloneAndIsCounted) {
  const Origin origin("hello");
  const Instance instance(kOneProxy, upstream_of({&origin}));
  Http2Client other(instance.web());
  EXPECT_EQ(other.wait(other.get("/")).body, "hello");
  Http2Client client(instance.web());
  EXPECT_EQ(client.wait(client.get("/")).body, "hello");
  std::uint32_t number = 0;
  EXPECT_TRUE(client.until([&] {
    std::string burst;
    for (int i = 0; i < 1000; ++i) burst += GetParam().piece(number++);
    if (!client.going_away()) client.send_raw(burst);
    return client.going_away();
  }));
  EXPECT_EQ(client.goaway_error(), Http2Error::kEnhanceYourCalm);
  EXPECT_TRUE(instance.metric_reaches(floods(GetParam().kind), 1));
  EXPECT_EQ(other.wait(other.get("/")).body, "hello");
  EXPECT_LT(origin.seen().size(), 20u) << "what was reset at once is asked of nobody";
}

std::uint32_t stream_of(std::uint32_t number) { return 2 * number + 3; }
const FloodCase kFloods[] = {
    {"resets",
     [](std::uint32_t n) { return h2::get(stream_of(n)) + h2::rst_stream(stream_of(n), 8); }},
    {"pings", [](std::uint32_t) { return h2::ping(); }},
    {"settings", [](std::uint32_t) { return h2::settings(); }},
    {"priorities",
     [](std::uint32_t) { return h2::frame(h2::kPriority, 0, 3, h2::number(0x10, 5)); }},
    {"empty_frames",
     [](std::uint32_t n) { return n == 0 ? h2::post(stream_of(0)) : h2::data(stream_of(0), ""); }},
    {"window_updates", [](std::uint32_t) { return h2::window_update(0, 1); }},
    {"continuations",
     [](std::uint32_t n) {
       return n == 0 ? h2::frame(h2::kHeaders, h2::kEndStream, stream_of(0), h2::get_block())
                     : h2::frame(h2::kContinuation, 0, stream_of(0));
     }},
};
INSTANTIATE_TEST_SUITE_P(Each, Http2Flood, testing::ValuesIn(kFloods),
                         [](const auto& info) { return std::string(info.param.kind); });

// One that goes on as browsers do: on another connection when it is told to, and with what was not
// looked at once more.
class Patient {
 public:
  explicit Patient(const Address& server) : server_(server) {}
  bool ask() {
    for (int i = 0; i < 100; ++i) {
      if (client_ == nullptr || client_->going_away() || client_->at_end())
        client_ = std::make_unique<Http2Client>(server_);
      const auto id = client_->get("/");
      if (id == 0) {
        client_.reset();
        continue;
      }
      const auto& answer = client_->wait(id);
      if (answer.ended) return answer.status == 200;
      if (answer.error != Http2Error::kRefusedStream) return false;
      client_.reset();
    }
    return false;
  }

 private:
  Address server_;
  std::unique_ptr<Http2Client> client_;
};

TEST(Http2End, RestartsLoseNoRequest) {
  const Instance instance("hello: {workers: 2}");
  ASSERT_TRUE(instance.all_ready("hello", 2));
  Load load(4, [&] {
    return [patient = std::make_shared<Patient>(instance.web())] { return patient->ask(); };
  });
  for (int i = 0; i < 3; ++i) {
    const Finished restart = operate(instance, {"restart"});
    EXPECT_EQ(restart.ended.code, 0) << restart.output;
  }
  EXPECT_TRUE(load.asks(10));
  EXPECT_EQ(load.failed(), 0);
}

TEST(Http2End, AStopAnswersWhatHasBegun) {
  Instance instance("hello: {workers: 1}");
  Http2Client client(instance.web());
  EXPECT_EQ(client.wait(client.get("/")).status, 200);
  const auto slow = client.get("/sleep?ms=1000");
  ASSERT_TRUE(instance.metric_reaches("roundhouse_http2_streams_total{listener=\"web\"}", 2));
  auto stopped = std::async(std::launch::async, [&] { return instance.stop(); });
  EXPECT_EQ(client.wait(slow).status, 200);
  EXPECT_TRUE(client.going_away());
  EXPECT_TRUE(client.until_end());
  EXPECT_EQ(stopped.get().code, 0);
}

}  // namespace
}  // namespace roundhouse::test
