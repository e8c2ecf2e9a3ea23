// The load client calls each failure by its right name: the instrument is tested before it is
// believed.
#include "bench/load/load.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <functional>
#include <string>
#include <thread>

namespace roundhouse::bench {
namespace {

const std::string kRight =
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nWorker-Pid: 4711\r\nConnection: close\r\n\r\nhello";

// Accepts `connections` one after the other and does `behave` with each.
class Origin {
 public:
  Origin(int connections, std::function<void(int)> behave)
      : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size);
    ::listen(listener_.get(), 64);
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this, connections, behave = std::move(behave)] {
      for (int i = 0; i < connections; ++i) {
        UniqueFd connection(::accept(listener_.get(), nullptr, nullptr));
        behave(connection.get());
      }
    });
  }
  std::uint16_t port() const { return port_; }

 private:
  UniqueFd listener_;
  std::uint16_t port_ = 0;
  std::jthread thread_;  // last: it ends before the listener is closed
};

void read_request(int fd) {
  char bytes[1024];
  EXPECT_GT(::recv(fd, bytes, sizeof bytes, 0), 0);
}

void answer(int fd, const std::string& text) {
  read_request(fd);
  EXPECT_GT(::send(fd, text.data(), text.size(), MSG_NOSIGNAL), 0);
}

void reset_on_close(int fd) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

Options once(std::uint16_t port) {
  Options options;
  options.port = port;
  options.clients = 1;
  options.requests = 1;
  options.expected = "hello";
  options.timeout = std::chrono::milliseconds(100);
  return options;
}

Report run(const Options& options) {
  const std::atomic<bool> never = false;
  return run_load(options, never);
}

struct Case {
  const char* name;
  Outcome outcome;
  std::function<void(int)> behave;
};
void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

class OneRequest : public testing::TestWithParam<Case> {};

TEST_P(OneRequest, IsCountedByWhatBecameOfIt) {
  const Origin origin(1, GetParam().behave);
  const Report report = run(once(origin.port()));
  EXPECT_EQ(report.count(GetParam().outcome), 1U) << report.to_json(Clock::now());
  EXPECT_EQ(report.failed(), GetParam().outcome == Outcome::kAnswered ? 0U : 1U);
}

const Case kCases[] = {
    {"Answered", Outcome::kAnswered, [](int fd) { answer(fd, kRight); }},
    {"ClosedBeforeAnyByte", Outcome::kClosed, [](int fd) { read_request(fd); }},
    {"ResetBeforeAnyByte", Outcome::kReset,
     [](int fd) {
       read_request(fd);
       reset_on_close(fd);
     }},
    {"CutInTheHead", Outcome::kShort, [](int fd) { answer(fd, kRight.substr(0, 20)); }},
    {"CutInTheBody", Outcome::kShort,
     [](int fd) { answer(fd, kRight.substr(0, kRight.size() - 1)); }},
    {"ResetInTheBody", Outcome::kShort,
     [](int fd) {
       answer(fd, kRight.substr(0, kRight.size() - 1));
       reset_on_close(fd);
     }},
    {"AnotherStatus", Outcome::kWrong,
     [](int fd) { answer(fd, "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"); }},
    {"AnotherBody", Outcome::kWrong,
     [](int fd) { answer(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nholla"); }},
    {"NoLength", Outcome::kWrong, [](int fd) { answer(fd, "HTTP/1.1 200 OK\r\n\r\nhello"); }},
    {"AnsweredTwice", Outcome::kWrong, [](int fd) { answer(fd, kRight + kRight); }},
    {"NeverAnswered", Outcome::kTimeout,
     [](int fd) {
       read_request(fd);
       char byte = 0;
       ::recv(fd, &byte, 1, 0);  // until the client gives up
     }},
};

INSTANTIATE_TEST_SUITE_P(Load, OneRequest, testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Load, AClosedPortRefuses) {
  std::uint16_t port = 0;
  {
    port = Origin(0, [](int) {}).port();
  }
  EXPECT_EQ(run(once(port)).count(Outcome::kRefused), 1U);
}

TEST(Load, AnAnswerIsCreditedToTheWorkerThatGaveIt) {
  const Origin origin(1, [](int fd) { answer(fd, kRight); });
  const std::string json = run(once(origin.port())).to_json(Clock::now());
  EXPECT_NE(json.find("\"answers_by_worker\": {\"4711\": 1}"), std::string::npos) << json;
}

TEST(Load, AKeptConnectionCarriesManyRequests) {
  const std::string kept = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
  const Origin origin(1, [&](int fd) {
    for (int i = 0; i < 10; ++i) answer(fd, kept);
  });
  Options options = once(origin.port());
  options.mode = Mode::kKeepAlive;
  options.requests = 10;
  const Report report = run(options);
  EXPECT_EQ(report.count(Outcome::kAnswered), 10U) << report.to_json(Clock::now());
  EXPECT_NE(report.to_json(Clock::now()).find("\"connections\": 1,"), std::string::npos);
}

TEST(Load, ARateIsKept) {
  const Origin origin(20, [](int fd) { answer(fd, kRight); });
  Options options = once(origin.port());
  options.requests = 20;
  options.rate = 200;
  const Time start = Clock::now();
  EXPECT_EQ(run(options).count(Outcome::kAnswered), 20U);
  EXPECT_GE(Clock::now() - start, std::chrono::milliseconds(95));
}

TEST(Latencies, QuantilesAreAtMostThreePercentHigh) {
  Latencies latencies;
  for (int i = 1; i <= 100'000; ++i) latencies.add(std::chrono::microseconds(i));
  EXPECT_EQ(latencies.max(), 100'000U);
  for (const double q : {0.5, 0.9, 0.99, 0.999, 1.0}) {
    const double exact = q * 100'000;
    EXPECT_GE(static_cast<double>(latencies.quantile(q)), exact - 1);
    EXPECT_LE(static_cast<double>(latencies.quantile(q)), exact * 1.032 + 1);
  }
}

}  // namespace
}  // namespace roundhouse::bench
