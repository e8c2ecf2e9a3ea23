// The reverse proxy, when something goes wrong on the way: who is blamed for it, and who pays.
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <future>
#include <string>

#include "access_log.h"
#include "support/proxied.h"
#include "support/tcp_origin.h"

namespace roundhouse::test {
namespace {

using Reply = Origin::Reply;
using Seen = Origin::Seen;

const std::string kOnePost = "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\nx";
const std::string kImpatient =
    ", timeouts: {response: 200ms, idle: 200ms}, retries: {attempts: 0}, eject: {failures: 1}";

double failures(const Instance& instance, const std::string& name) {
  return instance.metric("roundhouse_http_failures_total{failure=\"" + name + "\"}");
}

double of_endpoint(const Instance& instance, const std::string& metric, const Address& endpoint) {
  return instance.metric("roundhouse_upstream_" + metric + "{upstream=\"site\",endpoint=\"" +
                         endpoint.to_string() + "\"}");
}

TEST(ProxyBlame, AClientThatIsSlowToSendCostsNoEndpoint) {
  const Origin one("one");
  const Origin two("two");
  const Instance instance(kOneProxy, upstream_of({&one, &two}, kImpatient),
                          {.listener = "timeouts: {body_idle: 600ms}"});
  Client client(instance.web());
  client.send(kOnePost);
  EXPECT_EQ(client.receive().status, 408);
  EXPECT_TRUE(
      instance.metric_reaches("roundhouse_http_failures_total{failure=\"body_timeout\"}", 1));
  EXPECT_EQ(failures(instance, "response_timeout"), 0);
  for (const Origin* origin : {&one, &two}) {
    EXPECT_EQ(of_endpoint(instance, "failures_total", origin->address()), 0);
    EXPECT_EQ(of_endpoint(instance, "ejections_total", origin->address()), 0);
  }
}

TEST(ProxyBlame, AClientThatIsSlowToSendCostsNoEndpointThatAnswersMeanwhile) {
  const auto answers_early = [](Stream& stream) {
    stream.receive(1);
    stream.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx");
    stream.receive_all();
  };
  const TcpOrigin one(answers_early);
  const TcpOrigin two(answers_early);
  const Instance instance(kOneProxy, upstream_at({one.address(), two.address()}, kImpatient),
                          {.listener = "timeouts: {body_idle: 600ms}"});
  Client client(instance.web());
  client.send(kOnePost);
  EXPECT_FALSE(client.receive().complete);
  EXPECT_TRUE(
      instance.metric_reaches("roundhouse_http_failures_total{failure=\"body_timeout\"}", 1));
  EXPECT_EQ(failures(instance, "response_stalled"), 0);
  for (const TcpOrigin* origin : {&one, &two})
    EXPECT_EQ(of_endpoint(instance, "ejections_total", origin->address()), 0);
}

TEST(ProxyBlame, AClientThatSendsItsBodySlowlyIsAnsweredInTheEnd) {
  const Origin origin("whole");
  const Instance instance(kOneProxy, upstream_of({&origin}, ", timeouts: {response: 1s}"));
  Client client(instance.web());
  client.send(kOnePost);
  // Longer than the endpoint has for its answer.
  EXPECT_FALSE(eventually([&] { return failures(instance, "response_timeout") > 0; },
                          std::chrono::milliseconds(1400)));
  client.send("xxxxxxxxx");
  EXPECT_EQ(client.receive().body, "whole");
}

TEST(ProxyBlame, AnEndpointThatDoesNotTakeABodyIsGivenUp) {
  std::promise<void> over;
  const TcpOrigin origin([wait = over.get_future().share()](Stream&) { wait.wait(); });
  const Instance instance(kOneProxy, upstream_at({origin.address()}, kImpatient),
                          {.listener = "limits: {body: 1GiB}"});
  Client client(instance.web());
  client.send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 100000000\r\n\r\n");
  client.send(std::string(50'000'000, 'x'));  // more than the kernel keeps; cut off in the end
  EXPECT_TRUE(
      instance.metric_reaches("roundhouse_http_failures_total{failure=\"response_timeout\"}", 1));
  EXPECT_EQ(failures(instance, "body_timeout"), 0);
  over.set_value();
}

class ProxyBlameLog : public WithAccessLog {};

// The worker learns of the request before it learns that its kept connection has ended.
TEST_F(ProxyBlameLog, AKeptConnectionThatDiedCostsAPostNoTry) {
  Origin origin("x");
  const Instance instance(
      "gateway: {type: proxy, workers: 1, liveness: {suspect: 20s, replace: 25s}}",
      upstream_of({&origin}), options());
  Client client(instance.web());
  EXPECT_EQ(client.get("/").status, 200);
  const pid_t worker = instance.worker_pids(1).front();
  ::kill(worker, SIGSTOP);
  client.send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\n\r\nx");
  origin.stop();
  origin.start();
  ::kill(worker, SIGCONT);
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_EQ(origin.connections(), 2);
  const Json post = wait_for(log_path(), 2).at(1);
  EXPECT_EQ(post["method"], "POST");
  EXPECT_EQ(post["tries"], 1);
}

// Of a method that may be sent twice: as long as none of its body was.
TEST(ProxyBlame, ARequestWhoseBodyIsStillToComeIsTriedAtAnother) {
  const auto receive_head = [](Stream& stream) {
    std::string head;
    while (!head.ends_with("\r\n\r\n") && !stream.ended()) head += stream.receive(1);
  };
  const TcpOrigin closing(receive_head);
  std::atomic<int> heads = 0;
  const TcpOrigin good([&](Stream& stream) {
    receive_head(stream);
    ++heads;
    stream.send(ok(stream.receive(5)));
  });
  const Instance instance(kOneProxy, upstream_at({closing.address(), good.address()},
                                                 ", balance: rr, idle_connections: 0"));
  for (int i = 1; i <= 4; ++i) {
    Client client(instance.web());
    client.send("PUT / HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\n");
    ASSERT_TRUE(eventually([&] { return heads == i; }));
    client.send("hello");
    EXPECT_EQ(client.receive().body, "hello");
  }
  EXPECT_GT(closing.connections(), 0U);
  EXPECT_EQ(instance.metric("roundhouse_worker_restarts_total{pool=\"gateway\",worker=\"1\","
                            "reason=\"crash\"}"),
            0);
}

}  // namespace
}  // namespace roundhouse::test
