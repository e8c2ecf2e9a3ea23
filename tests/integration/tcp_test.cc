// Listeners with `protocol: tcp`: what goes through, what each side sees of the other's end, and
// who gets which endpoint.
#include <gtest/gtest.h>
#include <poll.h>

#include <future>
#include <set>
#include <string>

#include "support/proxied_tcp.h"

namespace roundhouse::test {
namespace {

TEST(Tcp, BytesGoBothWaysAndAreCounted) {
  const TcpOrigin origin(TcpOrigin::echo);
  const ProxiedTcp instance({origin.address()});
  Stream client = instance.connect();
  EXPECT_EQ(exchanged(client, "hello"), "hello");
  EXPECT_EQ(exchanged(client, "again"), "again");
  EXPECT_EQ(instance.of_endpoint("requests_in_flight", origin.address()), 1);
  client.end_writing();
  EXPECT_EQ(client.receive_all(), "");
  EXPECT_TRUE(client.ended());
  const auto gone = [&] {
    return instance.of_endpoint("requests_in_flight", origin.address()) == 0;
  };
  EXPECT_TRUE(eventually(gone));
  EXPECT_EQ(instance.of_endpoint("requests_total", origin.address()), 1);
  EXPECT_EQ(instance.of_endpoint("failures_total", origin.address()), 0);
  EXPECT_EQ(instance.of_endpoint("sent_bytes_total", origin.address()), 10);
  EXPECT_EQ(instance.of_endpoint("received_bytes_total", origin.address()), 10);
  EXPECT_EQ(instance.metric("roundhouse_listener_connections_active{listener=\"web\"}"), 0);
}

TEST(Tcp, TheServerMaySpeakFirst) {
  const TcpOrigin origin([](Stream& stream) {
    stream.send("220 ready\r\n");
    TcpOrigin::echo(stream);
  });
  const ProxiedTcp instance({origin.address()});
  Stream client = instance.connect();
  EXPECT_EQ(client.receive(11), "220 ready\r\n");
  EXPECT_EQ(exchanged(client, "QUIT"), "QUIT");
}

TEST(Tcp, AClientThatHasEndedItsSideStillGetsItsAnswer) {
  const TcpOrigin origin([](Stream& stream) {
    const std::string all = stream.receive_all();
    EXPECT_TRUE(stream.ended());
    stream.send("got " + std::to_string(all.size()));
  });
  const ProxiedTcp instance({origin.address()});
  Stream client = instance.connect();
  client.send(std::string(100'000, 'x'));
  client.end_writing();
  EXPECT_EQ(client.receive_all(), "got 100000");
  EXPECT_TRUE(client.ended());
}

TEST(Tcp, AServerThatHasEndedItsSideStillHearsTheClient) {
  std::promise<std::string> heard;
  const TcpOrigin origin([&](Stream& stream) {
    stream.send("bye");
    stream.end_writing();
    heard.set_value(stream.receive_all());
  });
  const ProxiedTcp instance({origin.address()});
  Stream client = instance.connect();
  EXPECT_EQ(client.receive_all(), "bye");
  EXPECT_TRUE(client.ended());
  client.send("one more thing");
  client.end_writing();
  EXPECT_EQ(heard.get_future().get(), "one more thing");
}

TEST(Tcp, AServerThatBreaksOffIsSeenToBreakOff) {
  const TcpOrigin origin([](Stream& stream) {
    stream.receive(1);
    stream.reset();
  });
  const ProxiedTcp instance({origin.address()});
  Stream client = instance.connect();
  client.send("x");
  EXPECT_EQ(client.receive_all(), "");
  EXPECT_TRUE(client.was_reset());
  const auto counted = [&] {
    return instance.of_endpoint("failures_total", origin.address()) == 1;
  };
  EXPECT_TRUE(eventually(counted));
}

TEST(Tcp, AClientThatBreaksOffIsSeenToBreakOff) {
  std::promise<bool> was_reset;
  const TcpOrigin origin([&](Stream& stream) {
    stream.send("hello");
    stream.receive_all();
    was_reset.set_value(stream.was_reset());
  });
  const ProxiedTcp instance({origin.address()});
  Stream client = instance.connect();
  EXPECT_EQ(client.receive(5), "hello");
  client.reset();
  EXPECT_TRUE(was_reset.get_future().get());
  const auto gone = [&] {
    return instance.metric("roundhouse_listener_connections_active{listener=\"web\"}") == 0;
  };
  EXPECT_TRUE(eventually(gone));
  EXPECT_EQ(instance.of_endpoint("failures_total", origin.address()), 0);
}

TEST(Tcp, AResetIsSeenThoughThatSideHadEndedBefore) {
  std::promise<bool> was_reset;
  const TcpOrigin origin([&](Stream& stream) {
    stream.receive_all();
    stream.send("half");
    pollfd waits{.fd = stream.fd(), .events = 0, .revents = 0};  // says nothing itself
    ::poll(&waits, 1, static_cast<int>(std::chrono::milliseconds(kPatience).count()));
    was_reset.set_value((waits.revents & POLLERR) != 0);
  });
  const ProxiedTcp instance({origin.address()});
  Stream client = instance.connect();
  client.end_writing();
  EXPECT_EQ(client.receive(4), "half");
  client.reset();
  EXPECT_TRUE(was_reset.get_future().get());
}

TEST(Tcp, ADeadEndpointIsReplacedByAnother) {
  const TcpOrigin origin(TcpOrigin::echo);
  const Address dead = dead_address();
  const ProxiedTcp instance({dead, origin.address()}, ", balance: rr");
  for (int i = 0; i < 8; ++i) {
    Stream client = instance.connect();
    EXPECT_EQ(exchanged(client, "hello"), "hello") << i;
  }
  EXPECT_EQ(origin.connections(), 8);
  EXPECT_GE(instance.of_endpoint("retries_total", dead), 1);
  EXPECT_EQ(instance.metric("roundhouse_listener_request_failures_total{listener=\"web\"}"), 0);
}

TEST(Tcp, WithoutALivingEndpointAClientIsResetAtOnce) {
  const ProxiedTcp instance({dead_address(), dead_address()});
  Stream client = instance.connect();
  EXPECT_EQ(client.receive_all(), "");
  EXPECT_TRUE(client.was_reset());
  EXPECT_TRUE(instance.fails(1));
}

TEST(Tcp, SilenceEndsBothSides) {
  std::promise<bool> ended;
  const TcpOrigin origin([&](Stream& stream) {
    stream.receive_all();
    ended.set_value(stream.ended());
  });
  const ProxiedTcp instance({origin.address()}, "", kTcp + ", timeouts: {tunnel: 1s}");
  Stream client = instance.connect();
  EXPECT_EQ(client.receive_all(), "");
  EXPECT_TRUE(client.ended());
  EXPECT_TRUE(ended.get_future().get());
}

TEST(Tcp, BytesThatAreStuckForThatLongEndInAReset) {
  std::promise<void> gave_up;
  std::promise<bool> was_reset;
  const TcpOrigin origin([&](Stream& stream) {
    gave_up.get_future().wait();  // reads nothing until then
    stream.receive_all();
    was_reset.set_value(stream.was_reset());
  });
  const ProxiedTcp instance({origin.address()}, "", kTcp + ", timeouts: {tunnel: 1s}");
  Stream client = instance.connect();
  EXPECT_FALSE(client.send(std::string(64 << 20, 'x')));
  gave_up.set_value();
  EXPECT_TRUE(was_reset.get_future().get());
}

TEST(Tcp, AClientWaitsForAnEndpointWithRoom) {
  const TcpOrigin origin(TcpOrigin::echo);
  const ProxiedTcp instance({origin.address()}, ", max_connections: 1, queue: {timeout: 30s}");
  Stream first = instance.connect();
  EXPECT_EQ(exchanged(first, "first"), "first");
  Stream second = instance.connect();
  second.send("second");
  const auto both = [&] {
    return instance.metric("roundhouse_listener_connections_active{listener=\"web\"}") == 2;
  };
  EXPECT_TRUE(eventually(both));
  EXPECT_EQ(origin.connections(), 1);
  first.close();
  EXPECT_EQ(second.receive(6), "second");
  EXPECT_EQ(origin.connections(), 2);
}

TEST(Tcp, AClientThatLeavesWhileItWaitsTakesNobodysPlace) {
  const TcpOrigin origin(TcpOrigin::echo);
  const ProxiedTcp instance({origin.address()},
                            ", max_connections: 1, queue: {depth: 1, timeout: 30s}");
  Stream first = instance.connect();
  EXPECT_EQ(exchanged(first, "first"), "first");
  const auto open = [&](int count) {
    return eventually([&instance, count] {
      return instance.metric("roundhouse_listener_connections_active{listener=\"web\"}") == count;
    });
  };
  Stream waiting = instance.connect();
  EXPECT_TRUE(open(2));
  Stream refused = instance.connect();
  EXPECT_EQ(refused.receive_all(), "");
  EXPECT_TRUE(refused.was_reset());
  EXPECT_TRUE(instance.fails(1));
  waiting.reset();
  EXPECT_TRUE(open(1));
  Stream next = instance.connect();
  next.send("next");
  first.close();
  EXPECT_EQ(next.receive(4), "next");
}

TEST(Tcp, AClientThatEndsItsSideWhileItWaitsLosesItsPlaceInAMoment) {
  const TcpOrigin origin(TcpOrigin::echo);
  const ProxiedTcp instance({origin.address()},
                            ", max_connections: 1, queue: {depth: 1, timeout: 10m}");
  Stream first = instance.connect();
  EXPECT_EQ(exchanged(first, "first"), "first");
  Stream waiting = instance.connect();
  waiting.send("gone");
  waiting.end_writing();
  EXPECT_EQ(waiting.receive_all(), "");
  EXPECT_TRUE(waiting.was_reset());
  EXPECT_TRUE(
      instance.metric_reaches("roundhouse_http_failures_total{failure=\"client_gone\"}", 1));
  Stream next = instance.connect();
  next.send("next");
  first.close();
  EXPECT_EQ(next.receive(4), "next");
  EXPECT_EQ(origin.connections(), 2);
}

TEST(Tcp, AClientThatEndsItsSideIsServedIfItsTurnComesSoon) {
  const TcpOrigin origin(TcpOrigin::echo);
  const ProxiedTcp instance({origin.address()}, ", max_connections: 1, queue: {timeout: 10m}");
  Stream first = instance.connect();
  EXPECT_EQ(exchanged(first, "first"), "first");
  Stream second = instance.connect();
  second.send("second");
  second.end_writing();
  first.close();
  EXPECT_EQ(second.receive_all(), "second");
  EXPECT_TRUE(second.ended());
}

TEST(Tcp, AnAddressKeepsItsEndpoint) {
  const TcpOrigin a(TcpOrigin::echo);
  const TcpOrigin b(TcpOrigin::echo);
  const TcpOrigin c(TcpOrigin::echo);
  const ProxiedTcp instance({a.address(), b.address(), c.address()}, ", balance: hash");
  for (int i = 0; i < 9; ++i) {
    Stream client = instance.connect();
    EXPECT_EQ(exchanged(client, "x"), "x");
  }
  const auto of_one = std::multiset<std::size_t>{a.connections(), b.connections(), c.connections()};
  EXPECT_EQ(of_one, (std::multiset<std::size_t>{0, 0, 9}));
  for (int i = 2; i < 40; ++i) {
    const Address from = *Address::parse("127.0.0." + std::to_string(i) + ":0");
    Stream client = Stream::connect(instance.web(), &from);
    EXPECT_EQ(exchanged(client, "x"), "x");
  }
  for (const TcpOrigin* origin : {&a, &b, &c}) EXPECT_GE(origin->connections(), 1);
}

}  // namespace
}  // namespace roundhouse::test
