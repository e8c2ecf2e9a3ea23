// The PROXY protocol, of the real program: headers that come in, and those that go out.
#include <gtest/gtest.h>

#include <string>

#include "access_log.h"
#include "net/proxy_header.h"
#include "support/certificates.h"
#include "support/operated.h"
#include "support/origin.h"
#include "support/proxied.h"
#include "support/proxied_tcp.h"
#include "support/tls_client.h"
#include "support/tls_origin.h"

namespace roundhouse::test {
namespace {

const std::string kRequire = "proxy_protocol: require, proxy_protocol_from: [127.0.0.0/8]";
const std::string kGet = "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";
const Address kHere = Address::parse("10.0.0.1:443").value();

Address client_at(const std::string& address) { return Address::parse(address).value(); }
std::string v1(const std::string& client) { return proxy_header_v1(client_at(client), kHere); }
std::string v2(const std::string& client) { return proxy_header_v2(client_at(client), kHere); }

std::string headers(const std::string& result) {
  return "roundhouse_proxy_headers_total{listener=\"web\",result=\"" + result + "\"}";
}

Response get_behind(const std::string& header, const Address& server) {
  Client client(server);
  client.send(header + kGet);
  return client.receive();
}

// What reaches an origin over a connection that it serves once, up to the end of the request.
class Listening {
 public:
  std::string received() const {
    const std::lock_guard lock(mutex_);
    return received_;
  }
  TcpOrigin::Serve serve() {
    return [this](Stream& stream) {
      std::string bytes;
      while (!bytes.ends_with("\r\n\r\n") || bytes.size() < 20) {
        const std::string byte = stream.receive(1);
        if (byte.empty()) break;
        bytes += byte;
      }
      {
        const std::lock_guard lock(mutex_);
        received_ += bytes;
      }
      stream.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      stream.receive_all();
    };
  }

 private:
  mutable std::mutex mutex_;
  std::string received_;
};

class ProxyProtocol : public WithAccessLog {};

void expect_limits_of_the_client(const std::string& policy) {
  const Instance instance("hello: {workers: 2, policy: " + policy + "}", "",
                          {.listener = kRequire + ", connections_per_address: 1"});
  ASSERT_TRUE(instance.all_ready("hello", 2));
  Client one(instance.web());
  one.send(v2("192.0.2.7:1") + "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(one.receive().status, 200);
  EXPECT_EQ(get_behind(v2("192.0.2.7:2"), instance.web()).status, 503);
  EXPECT_EQ(get_behind(v2("192.0.2.8:1"), instance.web()).status, 200);
}

TEST_F(ProxyProtocol, TheClientOfTheHeaderIsTheClientEverywhere) {
  const Origin origin("x");
  Instance::Options options = this->options();
  options.listener = kRequire;
  const Instance instance("app: {type: proxy, workers: 1}", upstream_of({&origin}), options);
  EXPECT_EQ(get_behind(v1("192.0.2.7:51234"), instance.web()).status, 200);
  EXPECT_EQ(get_behind(v2("[2001:db8::7]:51234"), instance.web()).status, 200);
  const auto seen = origin.seen();
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_NE(seen[0].head.find("X-Forwarded-For: 192.0.2.7\r\n"), std::string::npos) << seen[0].head;
  EXPECT_NE(seen[0].head.find("for=192.0.2.7"), std::string::npos) << seen[0].head;
  EXPECT_NE(seen[1].head.find("X-Forwarded-For: 2001:db8::7\r\n"), std::string::npos);
  const auto lines = wait_for(log_path(), 2);
  EXPECT_EQ(lines[0]["client"], "192.0.2.7");
  EXPECT_EQ(lines[1]["client"], "2001:db8::7");
  EXPECT_TRUE(instance.metric_reaches(headers("accepted"), 2));
}

TEST_F(ProxyProtocol, LimitsAreThoseOfTheClient) {
  for (const char* policy : {"rr", "none", "rr_kernel"}) {
    SCOPED_TRACE(policy);
    expect_limits_of_the_client(policy);
  }
}

TEST_F(ProxyProtocol, AUserOfThisMachineIsNoneIfTheHeaderSaysSo) {
  const Instance instance("hello: {workers: 1, test_handlers: local}", "", {.listener = kRequire});
  const std::string bytes = "GET /bytes?n=3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  Client local(instance.web());
  local.send("PROXY UNKNOWN\r\n" + bytes);
  EXPECT_EQ(local.receive().body.size(), 3U);
  Client remote(instance.web());
  remote.send(v1("192.0.2.9:1") + bytes);
  EXPECT_NE(remote.receive().body.size(), 3U) << "test handlers are for peers on this machine";
}

TEST_F(ProxyProtocol, RatesAreThoseOfTheClient) {
  const Origin origin("x");
  const Instance instance(kOneProxy,
                          upstream_of({&origin}) + "routes: [{upstream: site, rate_limit: 1/h}]",
                          {.listener = kRequire});
  EXPECT_EQ(get_behind(v2("192.0.2.7:1"), instance.web()).status, 200);
  EXPECT_EQ(get_behind(v2("192.0.2.7:2"), instance.web()).status, 429);
  EXPECT_EQ(get_behind(v2("192.0.2.8:1"), instance.web()).status, 200);
}

TEST_F(ProxyProtocol, WhatIsNotWantedIsClosedUnansweredAndCounted) {
  Instance instance("hello: {workers: 1}", "",
                    {.listener = "proxy_protocol: require, proxy_protocol_from: 127.0.0.1, "
                                 "defer_accept: 0, timeouts: {handshake: 300ms}"});
  EXPECT_EQ(get(instance.web()).status, 0);
  EXPECT_TRUE(instance.metric_reaches(headers("malformed"), 1));
  EXPECT_TRUE(instance.process().prints("127.0.0.1 sent no header of the PROXY protocol"));
  Client stranger(instance.web(), client_at("127.0.0.2:0"));
  stranger.send(v1("192.0.2.7:1") + kGet);
  EXPECT_EQ(stranger.receive().status, 0);
  EXPECT_TRUE(instance.metric_reaches(headers("untrusted"), 1));
  Client silent(instance.web());
  EXPECT_TRUE(silent.at_end());
  EXPECT_TRUE(instance.metric_reaches(headers("timeout"), 1));
  {
    const Client gone(instance.web());
  }
  EXPECT_TRUE(instance.metric_reaches(headers("gone"), 1));
  EXPECT_EQ(get_behind("PROXY UNKNOWN\r\n", instance.web()).status, 200);
  EXPECT_TRUE(instance.metric_reaches(headers("local"), 1));
  EXPECT_TRUE(
      instance.metric_reaches("roundhouse_listener_connections_active{listener=\"web\"}", 0));
}

TEST_F(ProxyProtocol, TlsComesBehindTheHeader) {
  const Pem pem = make_certificate({.names = {"a.test"}});
  directory.write("site.pem", pem.cert + pem.key);
  const Origin origin("x");
  const Instance instance(
      kOneProxy, upstream_of({&origin}),
      {.listener = kRequire + ", tls: {cert: " + directory.path() + "/site.pem}"});
  Client connected(instance.web());
  ASSERT_TRUE(connected.send(v2("192.0.2.7:51234")));
  TlsClient client(UniqueFd(::dup(connected.fd())), {.server_name = "a.test"});
  ASSERT_TRUE(client.shake_hands()) << client.error();
  ASSERT_TRUE(client.send(kGet));
  bool orderly = false;
  EXPECT_TRUE(client.receive_all(orderly).starts_with("HTTP/1.1 200 "));
  ASSERT_EQ(origin.seen().size(), 1U);
  EXPECT_NE(origin.seen()[0].head.find("X-Forwarded-For: 192.0.2.7\r\n"), std::string::npos);
}

TEST_F(ProxyProtocol, AnIdleConnectionGoesOnAtAnotherWorkerAsWhoItWas) {
  const Origin origin("x");
  Instance instance(kOneProxy, upstream_of({&origin}), {.listener = kRequire});
  Client client(instance.web());
  client.send(v2("192.0.2.7:51234") + "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.receive().status, 200);
  const auto before = instance.worker_pids(1);
  ASSERT_EQ(operate(instance, {"restart"}).ended.code, 0);
  ASSERT_TRUE(eventually([&] { return all_are_others(before, instance.worker_pids(1)); }));
  EXPECT_EQ(client.get("/").status, 200);
  ASSERT_EQ(origin.seen().size(), 2U);
  EXPECT_NE(origin.seen()[1].head.find("X-Forwarded-For: 192.0.2.7\r\n"), std::string::npos)
      << origin.seen()[1].head;
  EXPECT_TRUE(instance.metric_reaches(headers("accepted"), 1));
}

TEST_F(ProxyProtocol, AConnectionFromBeforeItWasRequiredGoesOn) {
  Instance instance("hello: {workers: 1}", "", {.listener = "backlog: 100"});
  Client client(instance.web());
  EXPECT_EQ(client.get("/").status, 200);
  change(instance, "backlog: 100", "backlog: 100, " + kRequire);
  ASSERT_EQ(operate(instance, {"reload"}).ended.code, 0);
  EXPECT_EQ(client.get("/").status, 200);
  EXPECT_EQ(get_behind(v1("192.0.2.7:1"), instance.web()).status, 200);
}

TEST_F(ProxyProtocol, ServersAreToldTheClientOfEachConnection) {
  for (const std::string version : {"v1", "v2"}) {
    Listening listening;
    const TcpOrigin origin(listening.serve());
    const Instance instance(kOneProxy,
                            upstream_at({origin.address()}, ", proxy_protocol: " + version),
                            {.listener = kRequire});
    const std::string client = "192.0.2.7:51234";
    EXPECT_EQ(get_behind(v1(client), instance.web()).body, "ok");
    EXPECT_EQ(get_behind(v1("192.0.2.8:1"), instance.web()).body, "ok");
    EXPECT_EQ(origin.connections(), 2U) << "each request has its own";
    const std::string expected = version == "v1"
                                     ? proxy_header_v1(client_at(client), instance.web())
                                     : proxy_header_v2(client_at(client), instance.web());
    const std::string received = listening.received();
    EXPECT_TRUE(received.starts_with(expected + "GET / HTTP/1.1\r\n")) << received;
    EXPECT_NE(received.find("Connection: close\r\n"), std::string::npos);
  }
}

TEST_F(ProxyProtocol, BytesOfTcpGoBehindTheHeader) {
  for (const std::string version : {"v1", "v2"}) {
    const TcpOrigin origin(TcpOrigin::echo);
    const ProxiedTcp instance({origin.address()}, ", proxy_protocol: " + version,
                              kTcp + ", " + kRequire);
    const Address client = client_at("[2001:db8::7]:51234");
    Stream stream = instance.connect();
    const std::string out = version == "v1" ? proxy_header_v1(client, instance.web())
                                            : proxy_header_v2(client, instance.web());
    stream.send(v2("[2001:db8::7]:51234") + "hello");
    EXPECT_EQ(stream.receive(out.size() + 5), out + "hello");
    EXPECT_TRUE(instance.metric_reaches(headers("accepted"), 1));
  }
}

TEST_F(ProxyProtocol, ProbesSayThatTheyAreForNobody) {
  for (const std::string version : {"v1", "v2"}) {
    Listening listening;
    const TcpOrigin origin(listening.serve());
    const Instance instance(
        kOneProxy, upstream_at({origin.address()}, ", proxy_protocol: " + version +
                                                       ", health: {path: /up, interval: 50ms}"));
    const std::string expected = version == "v1" ? "PROXY UNKNOWN\r\n" : proxy_header_v2_local();
    EXPECT_TRUE(eventually([&] {
      return listening.received().starts_with(expected + "GET /up HTTP/1.1\r\n");
    })) << listening.received();
  }
}

// Of a server under TLS: the header, and then the handshake.
TEST_F(ProxyProtocol, AHeaderGoesInFrontOfTheHandshake) {
  const std::string header =
      proxy_header_v2(client_at("192.0.2.7:51234"), Address::parse("127.0.0.1:1").value());
  const TlsOrigin origin(
      {.pem = make_certificate({.names = {"app.test"}}), .opening = header.size()}, "hello");
  const Instance instance(
      kOneProxy, upstream_at({origin.address()}, ", proxy_protocol: v2, tls: {verify: false}"),
      {.listener = kRequire});
  EXPECT_EQ(get_behind(v1("192.0.2.7:51234"), instance.web()).body, "hello");
  ASSERT_EQ(origin.seen().size(), 1U);
  EXPECT_EQ(origin.seen()[0].opening,
            proxy_header_v2(client_at("192.0.2.7:51234"), instance.web()));
}

TEST_F(ProxyProtocol, AProbeOfAServerUnderTlsSendsTheHeaderFirst) {
  const TlsOrigin origin(
      {.pem = make_certificate({.names = {"app.test"}}), .opening = proxy_header_v2_local().size()},
      "hello");
  const Instance instance(kOneProxy, upstream_at({origin.address()},
                                                 ", proxy_protocol: v2, tls: {verify: false}"
                                                 ", health: {path: /up, interval: 50ms}"));
  ASSERT_TRUE(eventually([&] { return !origin.seen().empty(); }));
  EXPECT_EQ(origin.seen()[0].opening, proxy_header_v2_local());
}

}  // namespace
}  // namespace roundhouse::test
