// The default: connections rotate over the workers, and each says who it is.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "support/instance.h"

namespace roundhouse::test {
namespace {

TEST(Hello, AnswersWithItsWorkerIdAndPid) {
  Instance instance("hello: {type: hello, workers: 2}");
  const Response response = get(instance.web());
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.at("content-type"), "text/plain");
  const std::string id = response.headers.at("worker-id");
  const std::string pid = response.headers.at("worker-pid");
  EXPECT_EQ(response.body, "hello world from worker " + id + " (pid " + pid + ")\n");
  EXPECT_TRUE(instance.process().prints("edge " + std::to_string(instance.process().pid()) +
                                        ", worker " + id + " (pid " + pid + ") is online"));
}

TEST(Hello, NewConnectionsRotateStrictlyOverTheWorkers) {
  Instance instance("hello: {type: hello, workers: 3}");
  ASSERT_TRUE(instance.all_ready("hello", 3));
  std::vector<int> order;
  for (int i = 0; i < 12; ++i)
    order.push_back(std::stoi(get(instance.web()).headers.at("worker-id")));
  for (std::size_t i = 1; i < order.size(); ++i)
    EXPECT_EQ(order[i], order[i - 1] % 3 + 1) << "connection " << i;
}

TEST(Hello, AKeptAliveConnectionStaysWithItsWorker) {
  Instance instance("hello: {type: hello, workers: 3}");
  Client client(instance.web());
  std::set<std::string> workers;
  for (int i = 0; i < 20; ++i) workers.insert(client.get("/").headers.at("worker-id"));
  EXPECT_EQ(workers.size(), 1u);
}

TEST(Hello, PipelinedRequestsAreAnsweredInOrder) {
  Instance instance("hello: {type: hello, workers: 1}");
  Client client(instance.web());
  std::string requests;
  for (int i = 1; i <= 20; ++i)
    requests += "GET /bytes?n=" + std::to_string(i) + " HTTP/1.1\r\nHost: t\r\n\r\n";
  ASSERT_TRUE(client.send(requests));
  for (std::size_t i = 1; i <= 20; ++i) EXPECT_EQ(client.receive().body.size(), i);
}

TEST(Hello, EchoesABodyChunkedAndNot) {
  Instance instance("hello: {type: hello, workers: 1}");
  Client client(instance.web());
  const std::string body(300'000, 'b');
  EXPECT_EQ(client.request("POST", "/echo", "", body).body, body);
  ASSERT_TRUE(
      client.send("POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"));
  EXPECT_EQ(client.receive().body, "hello world");
}

TEST(Hello, RefusesWhatIsNotHttpWithTheStatusOwed) {
  Instance instance("hello: {type: hello, workers: 1}");
  const std::map<std::string, int> owed{
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\nHost: t\n\n", 400},
      {"GET / HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"GET / HTTP/3.0\r\nHost: t\r\n\r\n", 505},
      {"GET /" + std::string(9'000, 'a') + " HTTP/1.1\r\nHost: t\r\n\r\n", 414},
      {"GET / HTTP/1.1\r\nHost: t\r\nX: " + std::string(20'000, 'a') + "\r\n\r\n", 431},
      {"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 99999999999\r\n\r\n", 413},
      {"POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
      {"POST / HTTP/1.1\r\nHost: t\r\nExpect: magic\r\nContent-Length: 1\r\n\r\n", 417},
  };
  for (const auto& [bytes, status] : owed) {
    Client client(instance.web());
    ASSERT_TRUE(client.send(bytes));
    EXPECT_EQ(client.receive().status, status) << bytes.substr(0, 60);
    EXPECT_TRUE(client.at_end()) << bytes.substr(0, 60);
  }
  EXPECT_EQ(get(instance.web()).status, 200);
}

TEST(Hello, ASlowHeaderIsEndedWith408) {
  TemporaryDirectory directory;
  const std::string file = directory.write(
      "slow.yaml",
      "listeners: {web: {bind: '127.0.0.1:0', timeouts: {header: 300ms, keep_alive: 300ms}}}\n"
      "pools: {hello: {workers: 1}}\nmonitor: {bind: off, socket: " +
          directory.path() + "/c.sock}\n");
  Process process({binary(), "run", "-c", file});
  ASSERT_TRUE(process.prints("is online"));
  const std::string output = process.output();
  const std::size_t at = output.find("127.0.0.1:");
  const auto address = Address::parse(output.substr(at, output.find(' ', at) - at));
  ASSERT_TRUE(address) << output;
  Client slow(*address);
  ASSERT_TRUE(slow.send("GET / HTTP/1.1\r\nHo"));
  EXPECT_EQ(slow.receive().status, 408);
  EXPECT_TRUE(slow.at_end());
  Client idle(*address);
  EXPECT_EQ(idle.get("/").status, 200);
  EXPECT_TRUE(idle.at_end()) << "an idle connection is closed after keep_alive";
}

}  // namespace
}  // namespace roundhouse::test
