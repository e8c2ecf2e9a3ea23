#include "edge/program_output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <utility>

#include "base/unique_fd.h"

namespace roundhouse::edge {
namespace {

// A pipe as one's own output, which nobody has to read.
struct Reader {
  Reader() { EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0); }
  ~Reader() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  std::string read_all() {
    std::string all;
    char buffer[65536];
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    for (ssize_t count; (count = ::read(ends[0], buffer, sizeof buffer)) > 0;)
      all.append(buffer, static_cast<std::size_t>(count));
    return all;
  }
  int ends[2];
};

TEST(OutputSink, WritesWholeLinesAndDropsThoseThatNobodyTakes) {
  const auto loop = EventLoop::create().value();
  Reader reader;
  OutputSink sink(*loop, reader.ends[1]);
  const std::string line = std::string(999, 'x') + "\n";
  std::size_t taken = 0;
  while (sink.write(line)) ++taken;
  EXPECT_GE(taken, OutputSink::kMaxWaiting / line.size());
  std::string all;
  const Time deadline = Clock::now() + std::chrono::seconds(30);
  Timer read(*loop, [&] {
    all += reader.read_all();
    if (all.size() >= taken * line.size() || Clock::now() > deadline) loop->stop();
  });
  read.start_periodic(std::chrono::milliseconds(1));
  loop->run();
  EXPECT_EQ(all.size(), taken * line.size()) << "what was not dropped comes whole";
}

TEST(OutputSink, ATerminalThatNobodyReadsHoldsNobodyUp) {
  const auto loop = EventLoop::create().value();
  const UniqueFd display(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_EQ(::grantpt(display.get()), 0);
  ASSERT_EQ(::unlockpt(display.get()), 0);
  const UniqueFd terminal(::open(::ptsname(display.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(terminal);
  OutputSink sink(*loop, terminal.get());
  const std::string line = std::string(99, 'x') + "\n";
  std::size_t taken = 0;
  while (sink.write(line)) ++taken;
  EXPECT_GE(taken, OutputSink::kMaxWaiting / line.size());
}

TEST(OutputSink, WhatNobodyWillReadIsDropped) {
  const auto loop = EventLoop::create().value();
  ::signal(SIGPIPE, SIG_IGN);
  Reader reader;
  OutputSink sink(*loop, reader.ends[1]);
  EXPECT_TRUE(sink.write("one\n"));
  EXPECT_EQ(reader.read_all(), "one\n");
  ::close(std::exchange(reader.ends[0], -1));
  EXPECT_FALSE(sink.write("two\n"));
  EXPECT_FALSE(sink.write("three\n"));
}

class ProgramOutputTest : public testing::Test {
 protected:
  void print(int fd, const std::string& text) {
    ASSERT_EQ(::write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  std::string in_ring() {
    std::string all;
    for (const ipc::OutputLine& line : places_.board.lines(0, 0)) all += line.text + "|";
    return all;
  }

  std::unique_ptr<EventLoop> loop_ = EventLoop::create().value();
  OutputPlaces places_{*loop_, ipc::OutputBoard::create(1).value()};
  ipc::WorkerRow row_;
  ProgramOutput output_{*loop_, places_, {.row = 0, .prefix = "app/1 | ", .counts = row_}};
};

TEST_F(ProgramOutputTest, WhatADeadProgramLeftInItsPipesIsRead) {
  ASSERT_TRUE(output_.open());
  print(output_.err(), "one\ntwo\nthree");
  print(output_.out(), "four\n");
  output_.ended();
  EXPECT_EQ(output_.last_words(), "one\ntwo\nthree\n") << "the line without its end too";
  EXPECT_EQ(in_ring(), "four|one|two|three|");
  EXPECT_EQ(row_.output_lines.load(), 4U);
}

TEST_F(ProgramOutputTest, OnlyTheLastFiftyLinesOfStderrAreKept) {
  ASSERT_TRUE(output_.open());
  for (int i = 0; i < 80; ++i) print(output_.err(), "line " + std::to_string(i) + "\n");
  output_.ended();
  EXPECT_TRUE(output_.last_words().starts_with("line 30\n"));
  EXPECT_TRUE(output_.last_words().ends_with("line 79\n"));
  ASSERT_TRUE(output_.open());
  output_.ended();
  EXPECT_EQ(output_.last_words(), "") << "the next process has said nothing";
}

TEST_F(ProgramOutputTest, LongLinesAreCutInTheRingAndKeptWithinTheirBound) {
  ASSERT_TRUE(output_.open());
  for (int i = 0; i < 3; ++i) print(output_.err(), std::string(10'000, 'x') + "\n");
  output_.ended();
  EXPECT_LE(output_.last_words().size(), ipc::kLastWords);
  EXPECT_EQ(places_.board.lines(0, 0).at(0).text.size(), ipc::kOutputLine);
}

}  // namespace
}  // namespace roundhouse::edge
