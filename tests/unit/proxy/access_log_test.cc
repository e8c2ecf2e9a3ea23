// The writer: what becomes of lines when whoever takes them is slow, full or gone.
#include "proxy/access_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "support/process.h"

namespace roundhouse::proxy {
namespace {

std::string content(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class AccessLogTest : public testing::Test {
 protected:
  AccessLogTest() {
    record.connection = &info;
    record.status = 200;
    options.format = config::AccessFormat::kJson;
    options.fields = {config::AccessField::kStatus, config::AccessField::kPath};
  }

  void log_to(UniqueFd fd) {
    log = std::make_unique<AccessLog>(AccessLog::Parts{.loop = *loop,
                                                       .slot = slot,
                                                       .options = options,
                                                       .pool = "app",
                                                       .worker = 1,
                                                       .fd = std::move(fd)});
  }
  static UniqueFd open_file(const std::string& path) {
    return UniqueFd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  }
  void log_to_pipe(int flags) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    reader.reset(ends[0]);
    ::fcntl(reader.get(), F_SETFL, O_NONBLOCK);
    ::fcntl(ends[1], F_SETFL, flags);
    log_to(UniqueFd(ends[1]));
  }
  std::string read_all() {
    std::string text;
    char bytes[65536];
    for (ssize_t n = 0; (n = ::read(reader.get(), bytes, sizeof bytes)) > 0;)
      text.append(bytes, static_cast<std::size_t>(n));
    return text;
  }
  void add(const std::string& path, int status = 200) {
    record.path = path;
    record.status = status;
    log->add(record);
  }
  void turn() {
    Timer stop(*loop, [this] { loop->stop(); });
    stop.start_once(Duration::zero());
    loop->run();
  }
  // Turns until it holds; false after 10 s.
  bool until(const std::function<bool()>& holds) {
    const Time deadline = Clock::now() + std::chrono::seconds(10);
    while (!holds()) {
      if (Clock::now() > deadline) return false;
      Timer stop(*loop, [this] { loop->stop(); });
      stop.start_once(std::chrono::milliseconds(1));
      loop->run();
    }
    return true;
  }
  static std::string line(const std::string& path, int status = 200) {
    return "{\"status\":" + std::to_string(status) + ",\"path\":\"" + path + "\"}\n";
  }

  test::TemporaryDirectory directory;
  std::unique_ptr<EventLoop> loop = EventLoop::create().value();
  ipc::Slot slot;
  ipc::ConnectionInfo info{};
  AccessRecord record;
  config::AccessLog options;
  UniqueFd reader;
  std::unique_ptr<AccessLog> log;
};

TEST_F(AccessLogTest, LinesOfATurnAreWrittenAtItsEnd) {
  log_to_pipe(O_NONBLOCK);
  add("/1");
  add("/2");
  EXPECT_EQ(read_all(), "");
  turn();
  EXPECT_EQ(read_all(), line("/1") + line("/2"));
  EXPECT_EQ(slot.access_log_lines, 2U);
}

TEST_F(AccessLogTest, WhatIsLeftIsWrittenWhenItEnds) {
  log_to_pipe(O_NONBLOCK);
  add("/1");
  log.reset();
  EXPECT_EQ(read_all(), line("/1"));
}

TEST_F(AccessLogTest, OneOfSoManyIsWrittenAndEveryFailure) {
  options.sample = 3;
  log_to_pipe(O_NONBLOCK);
  for (int i = 1; i <= 7; ++i) add("/" + std::to_string(i));
  add("/down", 503);
  record.failure = http::Failure::kClientGone;
  add("/left", 499);
  record.failure = http::Failure::kNone;
  add("/8");
  turn();
  EXPECT_EQ(read_all(),
            line("/1") + line("/4") + line("/7") + line("/down", 503) + line("/left", 499));
}

TEST_F(AccessLogTest, ABlockedPipeLosesLinesThatAreCountedAndThenGoesOn) {
  for (const int flags : {O_NONBLOCK, 0}) {
    slot.access_log_lines = slot.access_log_dropped = 0;
    log_to_pipe(flags);
    constexpr int kAll = 5000;
    const std::string path = "/" + std::string(90, 'p');
    for (int i = 0; i < kAll; ++i) {
      add(path);
      if (i % 100 == 0) turn();
    }
    EXPECT_GT(slot.access_log_dropped, 0U);
    std::string text;
    EXPECT_TRUE(until([&] {
      text += read_all();
      return slot.access_log_lines + slot.access_log_dropped == kAll;
    }));
    text += read_all();
    EXPECT_EQ(static_cast<std::uint64_t>(std::ranges::count(text, '\n')), slot.access_log_lines);
    for (std::size_t at = 0; at < text.size(); at += line(path).size())
      ASSERT_EQ(text.substr(at, line(path).size()), line(path)) << at;
    add("/again");
    turn();
    EXPECT_EQ(read_all(), line("/again"));
  }
}

TEST_F(AccessLogTest, APipeGetsNoMoreAtOnceThanItTakesWhole) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  reader.reset(ends[0]);
  log_to(UniqueFd(ends[1]));
  for (int i = 0; i < 200; ++i) add("/" + std::string(90, 'p'));
  turn();
  char packet[65536];  // each is what one write gave
  int packets = 0;
  for (ssize_t n = 0; (n = ::recv(reader.get(), packet, sizeof packet, 0)) > 0; ++packets) {
    EXPECT_LE(n, 4096);
    EXPECT_EQ(packet[n - 1], '\n');
  }
  EXPECT_GT(packets, 4);
  EXPECT_EQ(slot.access_log_lines, 200U);
}

TEST_F(AccessLogTest, AFullFileIsTriedAgain) {
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const std::string path = directory.path() + "/log";
  log_to(open_file(path));
  const rlimit little{.rlim_cur = 1000, .rlim_max = before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &little);
  constexpr int kAll = 3000;
  for (int i = 0; i < kAll; ++i) {
    add("/" + std::to_string(i));
    if (i % 100 == 0) turn();
  }
  const std::uint64_t dropped = slot.access_log_dropped;
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_GT(dropped, 0U);
  EXPECT_TRUE(until([&] { return slot.access_log_lines + dropped == kAll; }));
  add("/last");
  turn();
  const std::string text = content(path);
  EXPECT_TRUE(text.starts_with(line("/0") + line("/1")));
  EXPECT_TRUE(text.ends_with("\n" + line("/last")));
  EXPECT_EQ(static_cast<std::uint64_t>(std::ranges::count(text, '\n')), slot.access_log_lines);
  EXPECT_EQ(slot.access_log_lines, kAll - dropped + 1);
}

TEST_F(AccessLogTest, AReaderThatIsGoneIsSurvived) {
  ::signal(SIGPIPE, SIG_IGN);
  log_to_pipe(O_NONBLOCK);
  reader.reset();
  for (int i = 0; i < 3000; ++i) add("/" + std::string(90, 'p'));
  turn();
  EXPECT_GT(slot.access_log_dropped, 0U);
  log.reset();
  EXPECT_EQ(slot.access_log_dropped, 3000U);
  EXPECT_EQ(slot.access_log_lines, 0U);
}

TEST_F(AccessLogTest, AnotherFileTakesOverBetweenTwoLines) {
  const std::string before = directory.path() + "/before";
  const std::string after = directory.path() + "/after";
  log_to(open_file(before));
  add("/1");
  log->replace(open_file(after));
  add("/2");
  turn();
  EXPECT_EQ(content(before), line("/1"));
  EXPECT_EQ(content(after), line("/2"));
}

TEST_F(AccessLogTest, ALineThatTheOldFileHasBegunDoesNotGoOnInTheNewOne) {
  ::signal(SIGXFSZ, SIG_IGN);
  const std::string before = directory.path() + "/before";
  const std::string after = directory.path() + "/after";
  log_to(open_file(before));
  rlimit unlimited{};
  ::getrlimit(RLIMIT_FSIZE, &unlimited);
  const rlimit little{.rlim_cur = 10, .rlim_max = unlimited.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &little);
  add("/1");
  add("/2");
  turn();
  EXPECT_EQ(content(before).size(), 10U);
  log->replace(open_file(after));
  ::setrlimit(RLIMIT_FSIZE, &unlimited);
  EXPECT_EQ(slot.access_log_dropped, 1U);
  EXPECT_TRUE(until([&] { return slot.access_log_lines == 1; }));
  EXPECT_EQ(content(after), line("/2"));
}

}  // namespace
}  // namespace roundhouse::proxy
