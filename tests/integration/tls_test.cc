// TLS on listeners, of the real program.
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include <atomic>
#include <csignal>
#include <fstream>

#include "support/certificate_files.h"
#include "support/certificates.h"
#include "support/instance.h"
#include "support/origin.h"
#include "support/proxied.h"
#include "support/proxied_tcp.h"
#include "support/tcp_pair.h"
#include "support/tls_client.h"

namespace roundhouse::test {
namespace {

std::string handshakes(const std::string& version, const std::string& result) {
  return "roundhouse_tls_handshakes_total{listener=\"web\",version=\"" + version + "\",result=\"" +
         result + "\"}";
}

const std::string kGet = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
const std::string kGetAndClose = "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";

class Tls : public testing::Test {
 protected:
  const Pem pem = make_certificate({.names = {"a.test"}, .subject = "a"});
  const CertificateFiles files{pem};
};

TEST_F(Tls, AKeptAliveConnectionIsServedAndEndsInOrder) {
  Instance instance("hello: {workers: 1}", "", {.listener = files.tls()});
  TlsClient client(instance.web(), {.server_name = "a.test", .alpn = "\x08http/1.1"});
  ASSERT_TRUE(client.shake_hands()) << client.error();
  EXPECT_EQ(client.version(), "TLSv1.3");
  EXPECT_EQ(client.protocol(), "http/1.1");
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.send(kGet));
    EXPECT_TRUE(client.receive_until("pid").starts_with("HTTP/1.1 200 OK\r\n"));
  }
  ASSERT_TRUE(client.send(kGetAndClose));
  bool orderly = false;
  EXPECT_NE(client.receive_all(orderly).find("hello world"), std::string::npos);
  EXPECT_TRUE(orderly);
  EXPECT_TRUE(instance.metric_reaches(handshakes("1.3", "full"), 1));
}

TEST_F(Tls, EveryWorkerResumesWhatAnotherBegan) {
  Instance instance("hello: {workers: 2}", "", {.listener = files.tls()});
  ASSERT_TRUE(instance.all_ready("hello", 2));
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient first(instance.web(), {.version = version});
    ASSERT_TRUE(first.shake_hands());
    ASSERT_TRUE(first.send(kGet));
    const std::string by = first.receive_until("pid");
    TlsClient second(instance.web(), {.version = version, .resumes = &first});
    ASSERT_TRUE(second.shake_hands());
    EXPECT_TRUE(second.resumed());
    ASSERT_TRUE(second.send(kGet));
    EXPECT_NE(second.receive_until("pid"), by) << "it was the same worker";
  }
  EXPECT_TRUE(instance.metric_reaches(handshakes("1.2", "resumed"), 1));
  EXPECT_TRUE(instance.metric_reaches(handshakes("1.3", "resumed"), 1));
}

TEST_F(Tls, WhatIsNoHandshakeIsCountedAndClosed) {
  Instance instance("hello: {workers: 1}", "",
                    {.listener = files.tls() + ", timeouts: {handshake: 300ms}, defer_accept: 0"});
  Client silent(instance.web());
  EXPECT_TRUE(silent.at_end());
  EXPECT_TRUE(instance.metric_reaches(handshakes("none", "timeout"), 1));
  Client slow(instance.web());  // the beginning of a ClientHello
  ASSERT_TRUE(slow.send(std::string("\x16\x03\x01\x02\x00\x01\x00", 7)));
  EXPECT_TRUE(slow.at_end());
  EXPECT_TRUE(instance.metric_reaches(handshakes("none", "timeout"), 2));
  Client garbage(instance.web());
  ASSERT_TRUE(garbage.send(std::string(500, '\x7f')));
  Response none = garbage.receive();
  EXPECT_EQ(none.status, 0);
  EXPECT_TRUE(instance.metric_reaches(handshakes("none", "failed"), 1));
  {
    const Client gone(instance.web());
  }
  EXPECT_TRUE(instance.metric_reaches(handshakes("none", "gone"), 1));
  EXPECT_TRUE(
      instance.metric_reaches("roundhouse_worker_connections_active{pool=\"hello\",worker="
                              "\"1\"}",
                              0));
}

TEST_F(Tls, PlainHttpIsToldWhatIsWrong) {
  Instance instance("hello: {workers: 1}", "", {.listener = files.tls()});
  const Response response = get(instance.web());
  EXPECT_EQ(response.status, 400);
  EXPECT_NE(response.body.find("This port speaks HTTPS"), std::string::npos) << response.body;
  EXPECT_TRUE(instance.metric_reaches(handshakes("none", "plain_http"), 1));
  EXPECT_TRUE(instance.metric_reaches("roundhouse_http_failures_total{failure=\"plain_http\"}", 1));
}

TEST_F(Tls, TheMonitorTellsWhenCertificatesExpire) {
  files.put("later", make_certificate({.names = {"a.test"}, .rsa = true, .days = 60}));
  files.put("other", make_certificate({.names = {"*.b.test"}, .days = 5}));
  Instance instance("hello: {workers: 1}", "",
                    {.listener = files.tls(", certificates: [{cert: " + files.path("later.pem") +
                                           ", key: " + files.path("later.key") +
                                           "}, {cert: " + files.path("other.pem") +
                                           ", key: " + files.path("other.key") + "}]")});
  const auto days_left = [&](const std::string& name) {
    const double end = instance.metric(
        "roundhouse_tls_certificate_not_after_timestamp_seconds{listener=\"web\",name=\"" + name +
        "\"}");
    return (end - static_cast<double>(::time(nullptr))) / 86400;
  };
  EXPECT_NEAR(days_left("a.test"), 30, 0.1);  // of two for a name the first to expire
  EXPECT_NEAR(days_left("*.b.test"), 5, 0.1);
  EXPECT_TRUE(instance.process().prints("listener web: the certificate for *.b.test expires in"));
  const Finished status = run({binary(), "status", "--socket", instance.control_socket()});
  EXPECT_NE(status.output.find("CERTIFICATE EXPIRES: listener web: the certificate for *.b.test "
                               "expires in"),
            std::string::npos)
      << status.output;
}

TEST_F(Tls, ServersBehindAProxyAreToldAndLargeBodiesPassBothWays) {
  const Origin origin(
      [](const Origin::Seen& seen) { return Origin::Reply{.bytes = ok(seen.head + seen.body)}; });
  Instance instance(kOneProxy, upstream_of({&origin}), {.listener = files.tls()});
  TlsClient client(instance.web(), {});
  ASSERT_TRUE(client.shake_hands());
  const std::string body = numbered(3'000'000);
  ASSERT_TRUE(
      client.send("POST /x HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-Proto: http\r\n"
                  "Connection: close\r\nContent-Length: " +
                  std::to_string(body.size()) + "\r\n\r\n" + body));
  bool orderly = false;
  const std::string answer = client.receive_all(orderly);
  EXPECT_TRUE(orderly);
  EXPECT_NE(answer.find("X-Forwarded-Proto: https\r\n"), std::string::npos)
      << answer.substr(0, 999);
  EXPECT_EQ(answer.find("X-Forwarded-Proto: http\r\n"), std::string::npos);
  EXPECT_NE(answer.find(";proto=https;"), std::string::npos);
  EXPECT_TRUE(answer.ends_with(body)) << answer.size();
}

TEST_F(Tls, ARenewedCertificateIsForTheNextHandshakeAndTouchesNoConnection) {
  Instance instance("hello: {workers: 2}", "", {.listener = files.tls()});
  const auto pids = instance.worker_pids(2);
  TlsClient before(instance.web(), {});
  ASSERT_TRUE(before.shake_hands());
  files.put("site", make_certificate({.names = {"a.test"}, .subject = "renewed"}));
  const Finished reload = run({binary(), "reload", "--socket", instance.control_socket()});
  ASSERT_EQ(reload.ended.code, 0) << reload.output;
  EXPECT_TRUE(eventually([&] {
    int renewed = 0;
    for (int i = 0; i < 2; ++i) {
      TlsClient client(instance.web(), {});
      if (client.shake_hands() && client.peer_name() == "renewed") ++renewed;
    }
    return renewed == 2;
  }));
  EXPECT_EQ(instance.worker_pids(2), pids);
  ASSERT_TRUE(before.send(kGet));
  EXPECT_TRUE(before.receive_until("pid").starts_with("HTTP/1.1 200 OK"));
  TlsClient again(instance.web(), {.resumes = &before});
  ASSERT_TRUE(again.shake_hands());
  EXPECT_TRUE(again.resumed());
}

TEST_F(Tls, ABrokenCertificateRefusesTheReloadAndTheOldOneGoesOn) {
  Instance instance("hello: {workers: 1}", "", {.listener = files.tls()});
  files.put("site.pem", "broken");
  const Finished reload = run({binary(), "reload", "--socket", instance.control_socket()});
  EXPECT_EQ(reload.ended.code, 78);
  EXPECT_NE(reload.output.find("listeners.web.tls.cert: " + files.path("site.pem") +
                               " holds no certificate in PEM form, or a broken one"),
            std::string::npos)
      << reload.output;
  TlsClient client(instance.web(), {});
  ASSERT_TRUE(client.shake_hands());
  EXPECT_EQ(client.peer_name(), "a");
}

TEST_F(Tls, AWorkerThatIsStartedAgainHasTheCertificatesOfNow) {
  Instance instance("hello: {workers: 1}", "", {.listener = files.tls()});
  files.put("site", make_certificate({.subject = "renewed"}));
  ASSERT_EQ(run({binary(), "reload", "--socket", instance.control_socket()}).ended.code, 0);
  const pid_t pid = instance.worker_pids(1).front();
  ::kill(pid, SIGKILL);
  EXPECT_TRUE(eventually([&] {
    return instance.worker_pids(1).front() > 0 && instance.worker_pids(1).front() != pid;
  }));
  TlsClient client(instance.web(), {});
  ASSERT_TRUE(client.shake_hands());
  EXPECT_EQ(client.peer_name(), "renewed");
}

TEST_F(Tls, KeysThatOnlyRootMayReadServeAndAreInNoCore) {
  Instance instance("hello: {workers: 1}", "", {.listener = files.tls()});
  const pid_t pid = instance.worker_pids(1).front();
  struct stat worker{};
  ASSERT_EQ(::stat(("/proc/" + std::to_string(pid) + "/environ").c_str(), &worker), 0);
  EXPECT_EQ(worker.st_uid, 0u) << "its user could look into it";
  TlsClient client(instance.web(), {});
  EXPECT_TRUE(client.shake_hands());
}

TEST_F(Tls, TheAccessLogTellsWhatWasNegotiated) {
  const std::string path = files.path("access.log");
  Instance instance("hello: {workers: 1}", "",
                    {.log = "access: {format: logfmt, to: " + path +
                            ", fields: [status, tls_version, tls_cipher, tls_server_name, "
                            "tls_protocol, tls_client]}",
                     .listener = files.tls()});
  TlsClient client(instance.web(), {.server_name = "a.test",
                                    .version = TLS1_2_VERSION,
                                    .alpn = "\x08http/1.1",
                                    .ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256"});
  ASSERT_TRUE(client.shake_hands());
  ASSERT_TRUE(client.send(kGet));
  client.receive_until("pid");
  std::string line;
  EXPECT_TRUE(eventually([&] {
    std::ifstream log(path);
    return static_cast<bool>(std::getline(log, line));
  }));
  EXPECT_EQ(line,
            "status=200 tls_version=TLSv1.2 tls_cipher=ECDHE-ECDSA-AES128-GCM-SHA256 "
            "tls_server_name=a.test tls_protocol=http/1.1 tls_client=\"\"");
}

TEST_F(Tls, AProgramIsServedByProxiesInFrontOfIt) {
  Instance instance("app: {command: " + scripted_program("serve") + ", type: port, workers: 1}", "",
                    {.listener = files.tls()});
  TlsClient client(instance.web(), {});
  ASSERT_TRUE(client.shake_hands());
  ASSERT_TRUE(client.send(kGetAndClose));
  bool orderly = false;
  EXPECT_TRUE(client.receive_all(orderly).starts_with("HTTP/1.1 200 OK"));
}

TEST_F(Tls, ServersGetTheSubjectOfAClientAndNobodyForgesIt) {
  const Origin origin(
      [](const Origin::Seen& seen) { return Origin::Reply{.bytes = ok(seen.head)}; });
  const Pem ca = make_certificate({.subject = "ca"});
  const Pem alice = make_certificate({.subject = "alice", .issuer = &ca});
  files.put("ca.pem", ca.cert);
  Instance instance(
      kOneProxy, upstream_of({&origin}),
      {.listener = files.tls(", client_auth: optional, client_ca: " + files.path("ca.pem"))});
  const auto subject_seen = [&](const Pem* certificate, const TlsClient* before = nullptr) {
    TlsClient client(instance.web(), {.certificate = certificate, .resumes = before});
    EXPECT_TRUE(client.shake_hands());
    EXPECT_TRUE(
        client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Client-Cert-Subject: CN=root\r\n"
                    "x_client_cert_subject: CN=root\r\nConnection: close\r\n\r\n"));
    bool orderly = false;
    const std::string answer = client.receive_all(orderly);
    EXPECT_EQ(answer.find("CN=root"), answer.npos) << answer;
    const auto at = answer.find("X-Client-Cert-Subject: ");
    return at == answer.npos ? "" : answer.substr(at + 23, answer.find('\r', at) - at - 23);
  };
  EXPECT_EQ(subject_seen(&alice), "CN=alice");
  EXPECT_EQ(subject_seen(nullptr), "");
  TlsClient first(instance.web(), {.certificate = &alice});
  ASSERT_TRUE(first.shake_hands());
  ASSERT_TRUE(first.send(kGet));
  first.receive_until("\r\n\r\n");
  EXPECT_EQ(subject_seen(nullptr, &first), "CN=alice") << "the session is hers";
  const Pem mallory = make_certificate({.subject = "alice"});
  TlsClient stranger(instance.web(), {.certificate = &mallory});
  stranger.shake_hands();
  EXPECT_TRUE(instance.metric_reaches(handshakes("none", "client_certificate"), 1));
}

TEST_F(Tls, AWebSocketPassesBothWays) {
  const Origin origin([](const Origin::Seen&) {
    return Origin::Reply{.bytes =
                             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                             "Connection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
                         .then = Origin::Then::kEcho};
  });
  Instance instance(kOneProxy, upstream_of({&origin}), {.listener = files.tls()});
  TlsClient client(instance.web(), {});
  ASSERT_TRUE(client.shake_hands());
  ASSERT_TRUE(
      client.send("GET / HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\n"
                  "Upgrade: websocket\r\nSec-WebSocket-Key: k\r\n"
                  "Sec-WebSocket-Version: 13\r\n\r\n"));
  EXPECT_NE(client.receive_until("\r\n\r\n").find(" 101 "), std::string::npos);
  for (int i = 0; i < 3; ++i) {
    const std::string message = numbered(50'000) + "end " + std::to_string(i);
    ASSERT_TRUE(client.send(message));
    EXPECT_TRUE(client.receive_until("end " + std::to_string(i)) == message);
  }
}

class TlsTcp : public Tls {
 protected:
  Instance instance_before(const TcpOrigin& origin, const std::string& more = "") const {
    return Instance(kOneProxy, upstream_at({origin.address()}, "", "db"),
                    {.listener = "protocol: tcp, " + files.tls() + more});
  }
};

TEST_F(TlsTcp, BytesPassBothWaysAndEndsAreOrderly) {
  const TcpOrigin origin([](Stream& stream) {
    const std::string all = stream.receive_all();
    stream.send("behind the end: " + all);
  });
  const Instance instance = instance_before(origin);
  TlsClient client(instance.web(), {});
  ASSERT_TRUE(client.shake_hands());
  const std::string bytes = numbered(2'000'000);
  ASSERT_TRUE(client.send(bytes));
  client.end_writing();
  bool orderly = false;
  const std::string answer = client.receive_all(orderly);
  EXPECT_TRUE(orderly);
  EXPECT_TRUE(answer == "behind the end: " + bytes) << answer.size();
}

TEST_F(TlsTcp, AnEndThatNobodyAnnouncedIsAReset) {
  std::atomic<bool> was_reset{false};
  const TcpOrigin origin([&](Stream& stream) {
    stream.receive_all();
    was_reset = stream.was_reset();
  });
  const Instance instance = instance_before(origin);
  TlsClient client(instance.web(), {});
  ASSERT_TRUE(client.shake_hands());
  ASSERT_TRUE(client.send("half of"));
  ::shutdown(client.fd(), SHUT_WR);
  EXPECT_TRUE(eventually([&] { return was_reset.load(); }));
}

TEST_F(TlsTcp, AHandshakeThatStallsReachesNoServer) {
  const TcpOrigin origin([](Stream& stream) { stream.receive_all(); });
  const Instance instance = instance_before(origin, ", timeouts: {handshake: 200ms}");
  Client silent(instance.web());
  EXPECT_TRUE(silent.at_end());
  EXPECT_TRUE(instance.metric_reaches(handshakes("none", "timeout"), 1));
  EXPECT_EQ(origin.connections(), 0u);
}

TEST_F(Tls, CurlIsContent) {
  Instance instance("hello: {workers: 1}", "", {.listener = files.tls()});
  const std::string port = std::to_string(instance.web().port());
  const Finished curl = run({"curl", "-sS", "--cacert", files.path("site.pem"), "--resolve",
                             "a.test:" + port + ":127.0.0.1", "https://a.test:" + port + "/"});
  EXPECT_EQ(curl.ended.code, 0) << curl.output;
  EXPECT_TRUE(curl.output.starts_with("hello world")) << curl.output;
}

}  // namespace
}  // namespace roundhouse::test
