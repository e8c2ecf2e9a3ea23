// Listeners with `protocol: tcp`: much at once, all kinds of addresses, and workers that end.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>
#include <future>
#include <string>
#include <thread>
#include <utility>

#include "support/proxied_tcp.h"
#include "support/tcp_pair.h"

namespace roundhouse::test {
namespace {

std::size_t memory_of(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string word; status >> word;) {
    std::size_t kib = 0;
    if (word == "RssAnon:" && status >> kib) return kib * 1024;
  }
  return 0;
}

TEST(TcpLoad, MuchGoesBothWaysAtOnceAndIsNeverStored) {
  constexpr std::size_t kMuch = 64 << 20;
  const std::string up = numbered(kMuch);
  const std::string down = "-" + numbered(kMuch - 1);
  std::promise<void> read;
  const std::shared_future<void> may_read = read.get_future().share();
  std::promise<bool> whole;
  const auto send_and_receive = [may_read](Stream& stream, const std::string& out,
                                           const std::string& in) {
    std::thread sender([&] {
      EXPECT_TRUE(stream.send(out));
      stream.end_writing();
    });
    may_read.wait();
    const bool same = stream.receive_all() == in;
    sender.join();
    return same && stream.ended();
  };
  const TcpOrigin origin(
      [&](Stream& stream) { whole.set_value(send_and_receive(stream, down, up)); });
  const ProxiedTcp instance({origin.address()});
  const pid_t worker = instance.worker_pids(1).front();
  const std::size_t before = memory_of(worker);
  ASSERT_GT(before, 0U);
  Stream client = instance.connect();
  auto done = std::async(std::launch::async, [&] { return send_and_receive(client, up, down); });
  // Nobody reads: all that the kernel takes is on its way, and nothing moves.
  double moved = -1;
  const auto is_full = [&] {
    const double now = instance.of_endpoint("sent_bytes_total", origin.address()) +
                       instance.of_endpoint("received_bytes_total", origin.address());
    return now > 0 && std::exchange(moved, now) == now;
  };
  EXPECT_TRUE(eventually(is_full));
  const std::size_t full = memory_of(worker);
  EXPECT_GT(full, 0U);
  EXPECT_LT(full, before + (1 << 20));
  read.set_value();
  EXPECT_TRUE(done.get());
  EXPECT_TRUE(whole.get_future().get());
  const std::size_t after = memory_of(worker);
  EXPECT_GT(after, 0U);
  EXPECT_LT(after, before + (1 << 20));
}

TEST(TcpLoad, ATransferThatRunsIsFinishedByADrain) {
  constexpr std::size_t kSize = 32 << 20;
  const std::string much = numbered(kSize);
  const TcpOrigin origin([&](Stream& stream) { stream.send(much); });
  ProxiedTcp instance({origin.address()});
  Stream client = instance.connect();
  std::string received = client.receive(1000);
  instance.process().signal(SIGTERM);
  EXPECT_TRUE(eventually([&] { return !Stream::connect(instance.web()).is_open(); }));
  received += client.receive_all();
  EXPECT_TRUE(received == much);
  EXPECT_TRUE(client.ended());
  client.close();
  EXPECT_EQ(instance.process().wait().code, 0);
}

TEST(TcpLoad, ADrainEndsSilentSessionsAtItsDeadline) {
  const TcpOrigin origin(TcpOrigin::echo);
  ProxiedTcp instance({origin.address()}, "", kTcp,
                      "gateway: {type: proxy, workers: 1, timeouts: {drain: 200ms}}");
  Stream client = instance.connect();
  EXPECT_EQ(exchanged(client, "hello"), "hello");
  instance.process().signal(SIGTERM);
  EXPECT_EQ(client.receive_all(), "");
  EXPECT_TRUE(client.ended() || client.was_reset());
  EXPECT_EQ(instance.process().wait().code, 0);
}

TEST(TcpLoad, AWorkerThatIsKilledTakesOnlyItsOwnSessionsAlong) {
  const TcpOrigin origin(TcpOrigin::echo);
  const ProxiedTcp instance({origin.address()}, "", kTcp, kTwoProxies);
  ASSERT_TRUE(instance.all_ready("gateway", 2));
  Stream a = instance.connect();
  Stream b = instance.connect();
  EXPECT_EQ(exchanged(a, "a"), "a");
  EXPECT_EQ(exchanged(b, "b"), "b");
  ::kill(instance.worker_pids(2).at(0), SIGKILL);
  const bool a_is_gone =
      eventually([&] { return exchanged(a, "a") != "a" || exchanged(b, "b") != "b"; });
  EXPECT_TRUE(a_is_gone);
  EXPECT_NE(exchanged(a, "a") == "a", exchanged(b, "b") == "b");
  Stream next = instance.connect();
  EXPECT_EQ(exchanged(next, "next"), "next");
}

TEST(TcpLoad, BothSidesMayBeUnixSockets) {
  const TemporaryDirectory directory;
  ::chmod(directory.path().c_str(), 0755);
  const Address server = *Address::parse("unix:" + directory.path() + "/server.sock");
  const Address listener = *Address::parse("unix:" + directory.path() + "/listener.sock");
  const TcpOrigin origin(TcpOrigin::echo, server);
  ::chmod((directory.path() + "/server.sock").c_str(), 0777);
  const ProxiedTcp instance({server}, "", kTcp, kOneProxy, listener.to_string());
  for (const Address& address : {listener, instance.web()}) {
    Stream client = Stream::connect(address);
    EXPECT_EQ(exchanged(client, "hello"), "hello");
    const std::string much = numbered(3'000'000);
    std::thread sender([&] {
      client.send(much);
      client.end_writing();
    });
    EXPECT_TRUE(client.receive_all() == much);
    sender.join();
  }
}

TEST(TcpLoad, BothSidesMayBeIPv6WhereThereIsIPv6) {
  const Address any = *Address::parse("[::1]:0");
  const UniqueFd probe(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const bool there = probe && ::bind(probe.get(), any.data(), any.size()) == 0;
  const TcpOrigin origin(TcpOrigin::echo, there ? any : Address::loopback(0));
  ProxiedTcp instance({origin.address()}, "", kTcp, kOneProxy, there ? "[::1]:0" : "");
  for (const Address& address : instance.listening()) {
    Stream client = Stream::connect(address);
    EXPECT_EQ(exchanged(client, "hello"), "hello");
  }
  EXPECT_EQ(instance.listening().size(), there ? 2U : 1U);
}

TEST(TcpLoad, TheExitRecordSaysWhatWasOpen) {
  const TcpOrigin origin(TcpOrigin::echo);
  const ProxiedTcp instance({origin.address()});
  Stream client = instance.connect();
  EXPECT_EQ(exchanged(client, "hello"), "hello");
  ::kill(instance.worker_pids(1).front(), SIGSEGV);
  const std::string text = "tcp 127.0.0.1 -> " + origin.address().to_string();
  const auto is_told = [&] {
    return run({binary(), "status", "gateway/1", "--socket", instance.control_socket()})
               .output.find(text) != std::string::npos;
  };
  EXPECT_TRUE(eventually(is_told));
}

}  // namespace
}  // namespace roundhouse::test
