// TLS to upstreams, of the real program.
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <string>
#include <vector>

#include "support/certificates.h"
#include "support/instance.h"
#include "support/name_server.h"
#include "support/operated.h"
#include "support/origin.h"
#include "support/proxied.h"
#include "support/proxied_tcp.h"
#include "support/tcp_pair.h"
#include "support/tls_origin.h"

namespace roundhouse::test {
namespace {

const Pem kAuthority = make_certificate({.subject = "authority"});

Pem certificate_for(const std::vector<std::string>& names, int days = 30) {
  return make_certificate({.names = names, .days = days, .issuer = &kAuthority});
}

class UpstreamTls : public testing::Test {
 protected:
  UpstreamTls() { write("ca.pem", kAuthority.cert); }
  void write(const std::string& name, const std::string& content) const {
    directory_.write(name, content);
  }
  std::string path(const std::string& name) const { return directory_.path() + "/" + name; }
  // More keys of an upstream, with more of its `tls`.
  std::string tls(const std::string& more = "") const {
    return ", tls: {ca: " + path("ca.pem") + more + "}";
  }
  static std::string handshakes(const Address& server, const std::string& result,
                                const std::string& upstream = "site") {
    return "roundhouse_upstream_tls_handshakes_total{upstream=\"" + upstream + "\",endpoint=\"" +
           server.to_string() + "\",result=\"" + result + "\"}";
  }
  // What a request through one proxy gets, and that its handshake ended so.
  static Response answer_of(const TlsOrigin& origin, const std::string& more,
                            const std::string& result) {
    Instance instance(kOneProxy, upstream_at({origin.address()}, more));
    Response response = get(instance.web());
    EXPECT_TRUE(instance.metric_reaches(handshakes(origin.address(), result), 1)) << result;
    if (response.status != 200) {
      EXPECT_EQ(instance.metric("roundhouse_http_failures_total{failure=\"upstream_tls\"}"), 1);
    }
    return response;
  }

 private:
  const TemporaryDirectory directory_;
};

TEST_F(UpstreamTls, AnEndpointIsAskedByItsNameAndKeptAlive) {
  TlsOrigin origin({.pem = certificate_for({"app.test"})}, "hello");
  Instance instance(kOneProxy, upstream_at({origin.address()}, tls(", server_name: app.test")));
  Client client(instance.web());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.get("/").body, "hello");
  ASSERT_EQ(origin.seen().size(), 1U) << "one connection is kept, whatever tickets come over it";
  EXPECT_EQ(origin.seen()[0].server_name, "app.test");
  EXPECT_EQ(origin.seen()[0].protocol, "http/1.1");
  EXPECT_TRUE(instance.metric_reaches(handshakes(origin.address(), "full"), 1));
}

// POST is sent over a kept connection only if that is quiet.
TEST_F(UpstreamTls, ATicketIsNoNoiseOnAKeptConnection) {
  TlsOrigin origin({.pem = certificate_for({"127.0.0.1"})}, "hello");
  Instance instance(kOneProxy, upstream_at({origin.address()}, tls()));
  Client client(instance.web());
  for (int i = 0; i < 4; ++i) EXPECT_EQ(client.request("POST", "/", "", "").status, 200);
  EXPECT_EQ(origin.connections(), 1U);
}

TEST_F(UpstreamTls, AnAddressMustStandInTheCertificate) {
  TlsOrigin good({.pem = certificate_for({"127.0.0.1"})}, "hello");
  EXPECT_EQ(answer_of(good, tls(), "full").body, "hello");
  TlsOrigin other({.pem = certificate_for({"127.0.0.2", "app.test"})}, "hello");
  EXPECT_EQ(answer_of(other, tls(), "certificate").status, 502);
}

TEST_F(UpstreamTls, ANameThatIsLookedUpIsTheNameThatIsVerified) {
  TlsOrigin origin({.pem = certificate_for({"app.test"})}, "hello");
  NameServer names;
  names.set("app.test", {"127.0.0.1"});
  const std::string port = std::to_string(origin.address().port());
  Instance instance(kOneProxy, "upstreams: {site: {dns: 'app.test:" + port + "'" + tls() + "}}\n" +
                                   names.resolver());
  EXPECT_TRUE(eventually([&] { return get(instance.web()).body == "hello"; }));
  EXPECT_EQ(origin.seen().at(0).server_name, "app.test");
}

TEST_F(UpstreamTls, WhoCannotShowAGoodCertificateGetsNothing) {
  TlsOrigin expired({.pem = certificate_for({"app.test"}, -1)}, "hello");
  EXPECT_EQ(answer_of(expired, tls(", server_name: app.test"), "certificate").status, 502);
  TlsOrigin unknown({.pem = make_certificate({.names = {"app.test"}})}, "hello");
  EXPECT_EQ(answer_of(unknown, tls(", server_name: app.test"), "certificate").status, 502);
  TlsOrigin good({.pem = certificate_for({"app.test"})}, "hello");
  EXPECT_EQ(answer_of(good, tls(", server_name: other.test"), "certificate").status, 502);
  EXPECT_EQ(answer_of(good, ", tls: {server_name: app.test}", "certificate").status, 502)
      << "the system knows no such authority";
  const TcpOrigin plain([](Stream& stream) {
    stream.receive(1);
    stream.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  });
  Instance instance(kOneProxy, upstream_at({plain.address()}, tls()));
  EXPECT_EQ(get(instance.web()).status, 502);
  EXPECT_TRUE(instance.metric_reaches(handshakes(plain.address(), "failed"), 1));
}

TEST_F(UpstreamTls, WithoutAnAuthorityTheRootsOfTheSystemVouch) {
  TlsOrigin origin({.pem = certificate_for({"127.0.0.1"})}, "hello");
  const std::string upstream = upstream_at({origin.address()}, ", tls: true");
  Instance instance(kOneProxy, upstream,
                    {.process = {.environment = {"SSL_CERT_FILE=" + path("ca.pem")}}});
  EXPECT_EQ(get(instance.web()).body, "hello");
  write("c.yaml", upstream);
  const Finished check = run({binary(), "check", "-c", path("c.yaml")},
                             {.environment = {"SSL_CERT_FILE=/none", "SSL_CERT_DIR=/none"}});
  EXPECT_EQ(check.ended.code, 0);
  EXPECT_NE(check.output.find("upstreams.site.tls: believes the roots of the system, and there "
                              "are none"),
            std::string::npos)
      << check.output;
}

TEST_F(UpstreamTls, TheLogSaysWhyAndNotForEachRequest) {
  TlsOrigin expired({.pem = certificate_for({"app.test"}, -1)}, "hello");
  Instance instance(kOneProxy, upstream_at({expired.address()}, tls(", server_name: app.test") +
                                                                    ", eject: {failures: 0}"));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(get(instance.web()).status, 502);
  instance.stop();
  const std::string log = instance.process().output();
  const auto first = log.find("no TLS with endpoint");
  ASSERT_NE(first, log.npos) << log;
  EXPECT_NE(log.find("certificate has expired", first), log.npos) << log;
  std::size_t lines = 0;
  for (auto at = first; at != log.npos; at = log.find("no TLS with endpoint", at + 1)) ++lines;
  EXPECT_LT(lines, 20U) << "at most one a second";
}

TEST_F(UpstreamTls, WithoutVerificationAnyCertificateWillDo) {
  TlsOrigin expired({.pem = certificate_for({"app.test"}, -1)}, "hello");
  EXPECT_EQ(answer_of(expired, ", tls: {verify: false}", "full").body, "hello");
}

TEST_F(UpstreamTls, OurCertificateIsShown) {
  const Pem staff = make_certificate({.subject = "staff"});
  const Pem ours = make_certificate({.subject = "proxy", .issuer = &staff});
  write("ours.pem", ours.cert);
  write("ours.key", ours.key);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsOrigin origin({.pem = certificate_for({"127.0.0.1"}), .clients = &staff, .version = version},
                     "hello");
    EXPECT_EQ(
        answer_of(origin, tls(", cert: " + path("ours.pem") + ", key: " + path("ours.key")), "full")
            .body,
        "hello");
    EXPECT_EQ(origin.seen().at(0).client, "proxy");
    // A server of TLS 1.3 says only after the handshake that it wants one.
    Instance without(kOneProxy, upstream_at({origin.address()}, tls()));
    EXPECT_EQ(get(without.web()).status, 502);
    EXPECT_EQ(origin.seen().size(), 1U);
    without.stop();
    EXPECT_NE(without.process().output().find("no TLS with endpoint"), std::string::npos);
  }
}

TEST_F(UpstreamTls, TheNextConnectionResumesTheSession) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsOrigin origin({.pem = certificate_for({"127.0.0.1"}), .version = version},
                     [](TlsConversation& with) {
                       with.receive_until("\r\n\r\n");
                       with.send(ok("hello", "Connection: close\r\n"));
                     });
    Instance instance(kOneProxy, upstream_at({origin.address()}, tls()));
    for (int i = 0; i < 4; ++i) EXPECT_EQ(get(instance.web()).body, "hello");
    EXPECT_TRUE(instance.metric_reaches(handshakes(origin.address(), "resumed"), 3));
    EXPECT_EQ(instance.metric(handshakes(origin.address(), "full")), 1);
  }
}

TEST_F(UpstreamTls, WhoClosesDuringTheHandshakeIsLeftForAnother) {
  const TcpOrigin closing([](Stream& stream) { stream.receive(1); });
  TlsOrigin good({.pem = certificate_for({"127.0.0.1"})}, "hello");
  Instance instance(kOneProxy,
                    upstream_at({closing.address(), good.address()},
                                tls() + ", balance: rr, eject: {failures: 0}, retries: {budget: "
                                        "100%}"));
  for (int i = 0; i < 6; ++i) {
    Client client(instance.web());
    // Nothing was sent: a request that may not be repeated goes elsewhere as well.
    EXPECT_EQ(client.request("POST", "/", "", "").body, "hello") << i;
  }
  EXPECT_TRUE(instance.metric_reaches(handshakes(closing.address(), "gone"), 1));
}

TEST_F(UpstreamTls, ASilentServerHasTheTimeOfAConnect) {
  const TcpOrigin silent([](Stream& stream) { stream.receive_all(); });
  Instance instance(kOneProxy,
                    upstream_at({silent.address()},
                                tls() + ", timeouts: {connect: 200ms}, retries: {attempts: 0}"));
  EXPECT_EQ(get(instance.web()).status, 504);
  EXPECT_TRUE(instance.metric_reaches(handshakes(silent.address(), "timeout"), 1));
}

TEST_F(UpstreamTls, LargeBodiesPassBothWays) {
  const std::string large = numbered(5'000'000);
  TlsOrigin origin({.pem = certificate_for({"127.0.0.1"})}, [&](TlsConversation& with) {
    const std::string head = with.receive_until("\r\n\r\n");
    const auto at = head.find("Content-Length: ");
    if (at == head.npos) return;
    with.send(ok(with.receive(std::stoul(head.substr(at + 16)))));
    with.receive_until("\r\n\r\n");
    with.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4c4b40\r\n");
    with.send(large);
    with.send("\r\n0\r\n\r\n");
  });
  Instance instance(kOneProxy, upstream_at({origin.address()}, tls()),
                    {.listener = "limits: {body: 10MiB}"});
  Client client(instance.web());
  const Response echoed = client.request("POST", "/", "", large);
  EXPECT_EQ(echoed.status, 200);
  EXPECT_TRUE(echoed.body == large) << echoed.body.size();
  const Response chunked = client.get("/");
  EXPECT_TRUE(chunked.body == large) << chunked.body.size();
  EXPECT_EQ(origin.connections(), 1U);
}

TEST_F(UpstreamTls, AWebSocketPasses) {
  TlsOrigin origin({.pem = certificate_for({"127.0.0.1"})}, [](TlsConversation& with) {
    with.receive_until("\r\n\r\n");
    with.send(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: x\r\n\r\n");
    TlsOrigin::echo(with);
  });
  Instance instance(kOneProxy, upstream_at({origin.address()}, tls()));
  Stream client = Stream::connect(instance.web());
  ASSERT_TRUE(
      client.send("GET / HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                  "Sec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\n\r\n"));
  std::string head;
  while (!head.ends_with("\r\n\r\n")) {
    const std::string byte = client.receive(1);
    ASSERT_FALSE(byte.empty()) << head;
    head += byte;
  }
  EXPECT_NE(head.find(" 101 "), head.npos) << head;
  for (int i = 0; i < 3; ++i) {
    const std::string message = numbered(100'000 + static_cast<std::size_t>(i));
    EXPECT_TRUE(exchanged(client, message) == message);
  }
  client.end_writing();
  EXPECT_EQ(client.receive_all(), "");
}

// Without a length only the end tells that a body is whole, and a cut is no end.
TEST_F(UpstreamTls, ABodyThatIsCutIsNotTakenForAWholeOne) {
  TlsOrigin orderly({.pem = certificate_for({"127.0.0.1"})}, [](TlsConversation& with) {
    with.receive_until("\r\n\r\n");
    with.send("HTTP/1.1 200 OK\r\n\r\nall of it");
  });
  Instance whole(kOneProxy, upstream_at({orderly.address()}, tls()));
  const Response response = get(whole.web());
  EXPECT_EQ(response.body, "all of it");
  EXPECT_TRUE(response.complete);
  TlsOrigin cutting({.pem = certificate_for({"127.0.0.1"}), .cuts = true},
                    [](TlsConversation& with) {
                      with.receive_until("\r\n\r\n");
                      with.send("HTTP/1.1 200 OK\r\n\r\na part");
                    });
  Instance cut(kOneProxy, upstream_at({cutting.address()}, tls()));
  EXPECT_FALSE(get(cut.web()).complete);
}

TEST_F(UpstreamTls, TcpListenersLeadThereAsWell) {
  TlsOrigin origin({.pem = certificate_for({"127.0.0.1"})}, TlsOrigin::echo);
  ProxiedTcp instance({origin.address()}, tls());
  for (int i = 0; i < 2; ++i) {
    Stream client = instance.connect();
    const std::string message = numbered(3'000'000);
    client.send(message.substr(0, 10));
    EXPECT_EQ(client.receive(10), message.substr(0, 10));
    client.end_writing();
    EXPECT_EQ(client.receive_all(), "");
    EXPECT_TRUE(client.ended());
  }
  EXPECT_EQ(origin.seen().at(0).protocol, "") << "its clients may speak anything";
  EXPECT_TRUE(instance.metric_reaches(handshakes(origin.address(), "resumed", "db"), 1));
  TlsOrigin wrong({.pem = certificate_for({"other.test"})}, TlsOrigin::echo);
  ProxiedTcp refused({wrong.address()}, tls());
  Stream client = refused.connect();
  client.send("x");
  EXPECT_EQ(client.receive_all(), "");
  EXPECT_TRUE(refused.fails(1));
}

TEST_F(UpstreamTls, AServerMaySpeakFirst) {
  TlsOrigin origin({.pem = certificate_for({"127.0.0.1"}), .version = TLS1_2_VERSION},
                   [](TlsConversation& with) {
                     with.send("220 ready\r\n");
                     TlsOrigin::echo(with);
                   });
  ProxiedTcp instance({origin.address()}, tls());
  Stream client = instance.connect();
  EXPECT_EQ(client.receive(11), "220 ready\r\n");
  EXPECT_EQ(exchanged(client, "EHLO"), "EHLO");
}

TEST_F(UpstreamTls, AReloadRenewsAndABrokenFileIsRefused) {
  const Pem next = make_certificate({.subject = "next"});
  TlsOrigin origin({.pem = make_certificate({.names = {"127.0.0.1"}, .issuer = &next})}, "hello");
  Instance instance(kOneProxy, upstream_at({origin.address()}, tls() + ", eject: {failures: 0}"));
  EXPECT_EQ(get(instance.web()).status, 502) << "nobody vouches for it yet";
  const std::vector<pid_t> workers = instance.worker_pids(1);
  write("ca.pem", "no certificate");
  const Finished broken = operate(instance, {"reload"});
  EXPECT_EQ(broken.ended.code, 78);
  EXPECT_NE(broken.output.find("upstreams.site.tls.ca: " + path("ca.pem") +
                               " holds no certificate in PEM form"),
            std::string::npos)
      << broken.output;
  EXPECT_NE(broken.output.find("roundhouse.yaml:"), std::string::npos) << broken.output;
  write("ca.pem", kAuthority.cert + next.cert);
  const Finished reload = operate(instance, {"reload"});
  ASSERT_EQ(reload.ended.code, 0) << reload.output;
  EXPECT_TRUE(eventually([&] { return get(instance.web()).body == "hello"; }));
  EXPECT_EQ(instance.worker_pids(1), workers) << "no worker is replaced for that";
}

TEST_F(UpstreamTls, AuthoritiesInAnotherFileAreNoticedWithoutAReload) {
  const Pem next = make_certificate({.subject = "next"});
  TlsOrigin origin({.pem = make_certificate({.names = {"127.0.0.1"}, .issuer = &next})}, "hello");
  Instance instance(kOneProxy, upstream_at({origin.address()}, tls() + ", eject: {failures: 0}"));
  EXPECT_EQ(get(instance.web()).status, 502) << "nobody vouches for it yet";
  const std::vector<pid_t> workers = instance.worker_pids(1);
  write("ca.pem", kAuthority.cert + next.cert);
  EXPECT_TRUE(eventually([&] { return get(instance.web()).body == "hello"; }));
  EXPECT_TRUE(instance.process().prints("upstream site: the authorities are others now"));
  EXPECT_EQ(instance.worker_pids(1), workers);
}

TEST_F(UpstreamTls, AReloadTurnsItOnAndOff) {
  TlsOrigin origin({.pem = certificate_for({"127.0.0.1"})}, "hello");
  const Origin plain("plain");
  const std::string probed = ", health: {probe: connect, interval: 20ms}";
  Instance instance(kOneProxy, upstream_at({plain.address()}, probed));
  EXPECT_EQ(get(instance.web()).body, "plain");
  const std::string before = "'" + plain.address().to_string() + "']";
  const std::string after = "'" + origin.address().to_string() + "']" + tls();
  change(instance, before, after);
  ASSERT_EQ(operate(instance, {"reload"}).ended.code, 0);
  EXPECT_EQ(get(instance.web()).body, "hello");
  EXPECT_TRUE(
      instance.metric_reaches("roundhouse_upstream_probes_total{upstream=\"site\","
                              "endpoint=\"" +
                                  origin.address().to_string() + "\",result=\"well\"}",
                              1));
  change(instance, after, before);
  ASSERT_EQ(operate(instance, {"reload"}).ended.code, 0);
  EXPECT_EQ(get(instance.web()).body, "plain");
  EXPECT_EQ(instance.metric(handshakes(plain.address(), "full")), -1) << "it has no TLS";
}

TEST_F(UpstreamTls, EndpointsAreProbedUnderTls) {
  TlsOrigin good({.pem = certificate_for({"app.test"})}, "hello");
  TlsOrigin expired({.pem = certificate_for({"app.test"}, -1)}, "hello");
  const std::string name = tls(", server_name: app.test");
  for (const char* health : {", health: {path: /healthz, interval: 20ms, fall: 1}",
                             ", health: {probe: connect, interval: 20ms, fall: 1}"}) {
    Instance instance(kOneProxy, upstream_at({good.address(), expired.address()}, name + health));
    const auto healthy = [](const Address& server) {
      return "roundhouse_upstream_healthy{upstream=\"site\",endpoint=\"" + server.to_string() +
             "\"}";
    };
    EXPECT_TRUE(eventually([&] { return instance.metric(healthy(expired.address())) == 0; }));
    EXPECT_EQ(instance.metric(healthy(good.address())), 1);
    EXPECT_TRUE(
        instance.metric_reaches("roundhouse_upstream_probes_total{upstream=\"site\","
                                "endpoint=\"" +
                                    good.address().to_string() + "\",result=\"well\"}",
                                1));
    instance.stop();
    EXPECT_NE(instance.process().output().find("no TLS: certificate has expired"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace roundhouse::test
