// The reverse proxy and large bodies: whole, or seen to be cut; never stored.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <chrono>
#include <string>

#include "support/bodies.h"
#include "support/instance.h"
#include "support/origin.h"
#include "support/proxied.h"

namespace roundhouse::test {
namespace {

using Reply = Origin::Reply;
using Seen = Origin::Seen;
using Then = Origin::Then;

double in_flight(const Instance& instance, const Origin& origin) {
  return instance.metric("roundhouse_upstream_requests_in_flight{upstream=\"site\",endpoint=\"" +
                         origin.address().to_string() + "\"}");
}

TEST(ProxyBody, EverySizeArrivesWholeHoweverItIsFramed) {
  const std::string body = distinct(3'000'000);
  const Origin origin([&](const Seen& seen) {
    const std::string target = seen.head.substr(5, seen.head.find(' ', 5) - 5);
    const std::string part = body.substr(0, std::stoul(target.substr(target.find('/') + 1)));
    if (target.starts_with("chunks/"))
      return Reply{.bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(part) +
                            chunk("end") + "0\r\n\r\n"};
    if (target.starts_with("close/"))
      return Reply{.bytes = "HTTP/1.1 200 OK\r\n\r\n" + part, .then = Then::kClose};
    return Reply{.bytes = ok(part)};
  });
  const Instance instance(kOneProxy, upstream_of({&origin}));
  Client client(instance.web());
  // Each twice: what an answer was like may change how the next one is read.
  for (const std::size_t size : {1'000, 20'000, 20'300, 70'000, 131'072, 300'000, 3'000'000}) {
    for (int i = 0; i < 2; ++i) {
      for (const std::string kind : {"length/", "chunks/", "close/"}) {
        const Response response = client.get("/" + kind + std::to_string(size));
        ASSERT_TRUE(response.complete) << kind << size;
        const std::string wanted = body.substr(0, size) + (kind == "chunks/" ? "end" : "");
        EXPECT_TRUE(response.body == wanted) << kind << size;
      }
    }
  }
}

TEST(ProxyBody, LargeAnswersOfAKnownLengthKeepTheirConnection) {
  const Origin origin(distinct(1'000'000));
  const Instance instance(kOneProxy, upstream_of({&origin}));
  Client client(instance.web());
  for (int i = 0; i < 5; ++i) EXPECT_EQ(client.get("/").body.size(), 1'000'000u);
  EXPECT_EQ(origin.connections(), 1u);
}

TEST(ProxyBody, ALargeAnswerToHeadHasNoBody) {
  const Origin origin([](const Seen&) {
    return Reply{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n"};
  });
  const Instance instance(kOneProxy, upstream_of({&origin}));
  Client client(instance.web());
  client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\nHEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  for (int i = 0; i < 2; ++i) {
    const Response response = client.receive(true);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.headers.at("content-length"), "3000000");
  }
}

TEST(ProxyBody, ALargeAnswerThatBreaksOffIsSeenToBeCut) {
  for (const Then then : {Then::kClose, Then::kReset}) {
    const Origin origin([&](const Seen&) {
      return Reply{
          .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + distinct(1'500'000),
          .then = then};
    });
    const Instance instance(kOneProxy, upstream_of({&origin}));
    const Response response = get(instance.web(), "/");
    EXPECT_FALSE(response.complete);
    EXPECT_TRUE(eventually([&] { return in_flight(instance, origin) == 0; }));
  }
}

TEST(ProxyBody, AClientThatLeavesInTheMiddleOfALargeAnswerLeavesNothingBehind) {
  const Origin origin(distinct(3'000'000));
  const Instance instance(kOneProxy, upstream_of({&origin}));
  for (int i = 0; i < 3; ++i) {
    Client client(instance.web());
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    char some[1000];
    ASSERT_GT(::recv(client.fd(), some, sizeof some, 0), 0);
    client.reset();
  }
  EXPECT_TRUE(eventually([&] { return in_flight(instance, origin) == 0; }));
  EXPECT_EQ(get(instance.web(), "/").body.size(), 3'000'000u);
}

}  // namespace
}  // namespace roundhouse::test
