#include "proxy/flow.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <string>
#include <utility>

#include "support/tcp_pair.h"

namespace roundhouse::proxy {
namespace {

using Status = Flow::Status;
using test::TcpPair;

// A flow between two connections, whose other ends are the test's.
struct Course {
  explicit Course(int sink_buffers = 0) : right(sink_buffers) {}

  Status advance() { return flow.advance(from, to); }
  // As the loop would, each time something is ready.
  Status go() {
    flow.source_is_ready(false);
    flow.sink_is_ready();
    return advance();
  }

  FlowHost host;
  TcpPair left;
  TcpPair right;
  Transport from{std::move(left.far)};
  Transport to{std::move(right.far)};
  Flow flow{host};
};

TEST(Flow, AMessageIsCopiedAndNothingIsHeld) {
  Course course;
  test::send_some(course.left.near, "hello");
  EXPECT_EQ(course.advance(), Status::kWaits);
  EXPECT_EQ(test::receive_some(course.right.near), "hello");
  EXPECT_EQ(course.flow.take_moved(), 5);
  EXPECT_EQ(course.flow.take_moved(), 0);
  EXPECT_FALSE(course.flow.holds_bytes());
  EXPECT_EQ(course.host.pipes.free(), 0);
}

TEST(Flow, AnEndIsPassedOnBehindTheBytes) {
  Course course;
  test::send_some(course.left.near, "last");
  ::shutdown(course.left.near.get(), SHUT_WR);
  EXPECT_EQ(course.advance(), Status::kEnded);
  EXPECT_EQ(course.advance(), Status::kEnded);
  EXPECT_EQ(test::receive_some(course.right.near), "last");
  char byte = 0;
  EXPECT_EQ(::recv(course.right.near.get(), &byte, 1, 0), 0);
  EXPECT_FALSE(course.flow.reads());
}

TEST(Flow, AnEndThatComesWithTheLastBytesIsFound) {
  Course course;
  EXPECT_EQ(course.advance(), Status::kWaits);
  test::send_some(course.left.near, "last");
  ::shutdown(course.left.near.get(), SHUT_WR);
  course.flow.source_is_ready(true);
  EXPECT_EQ(course.advance(), Status::kEnded);
}

TEST(Flow, WhatTheSinkDoesNotTakeStopsTheReading) {
  Course course(4096);
  const std::string sent = test::numbered(8'000'000);
  std::size_t given = 0;
  for (int i = 0; i < 100; ++i) {
    given += test::send_some(course.left.near, std::string_view(sent).substr(given));
    course.go();
  }
  EXPECT_TRUE(course.flow.holds_bytes());
  EXPECT_FALSE(course.flow.reads());
  EXPECT_LT(given, sent.size());
  std::string received;
  while (received.size() < sent.size()) {
    given += test::send_some(course.left.near, std::string_view(sent).substr(given));
    course.go();
    received += test::receive_some(course.right.near);
  }
  EXPECT_TRUE(received == sent);
  EXPECT_EQ(course.flow.take_moved(), sent.size());
  course.go();
  EXPECT_FALSE(course.flow.holds_bytes());
}

// Moves it all while the reader takes everything at once.
void move(Course& course, const std::string& sent) {
  std::string received;
  std::size_t given = 0;
  while (received.size() < sent.size()) {
    given += test::send_some(course.left.near, std::string_view(sent).substr(given));
    course.go();
    received += test::receive_some(course.right.near);
  }
  EXPECT_TRUE(received == sent);
  course.go();
}

TEST(Flow, MuchGoesThroughAPipeThatIsGivenBack) {
  Course course;
  move(course, test::numbered(4'000'000));
  EXPECT_FALSE(course.flow.holds_bytes());
  EXPECT_EQ(course.host.pipes.used(), 0);
  EXPECT_EQ(course.host.pipes.free(), 1);
}

TEST(Flow, MuchIsCopiedWhereThereAreNoPipes) {
  Course course;
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const rlimit none{.rlim_cur = 0, .rlim_max = limit.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  move(course, test::numbered(4'000'000));
  ::setrlimit(RLIMIT_NOFILE, &limit);
  EXPECT_EQ(course.host.pipes.free(), 0);
}

TEST(Flow, AShareOfATurnIsNotExceededByMuch) {
  Course course;
  const std::string sent(16'000'000, 'x');
  std::size_t given = 0;
  Status status = Status::kWaits;
  while (status != Status::kYields && given < sent.size()) {
    course.flow.take_moved();
    given += test::send_some(course.left.near, std::string_view(sent).substr(given));
    test::receive_some(course.right.near);
    status = course.go();
  }
  EXPECT_EQ(status, Status::kYields);
  EXPECT_LE(course.flow.take_moved(), Flow::kTurnBytesMax + Pipe::kLargeBytesMax);
}

TEST(Flow, TellsWhichSideBrokeOff) {
  Course source;
  test::reset(source.left.near);
  EXPECT_EQ(source.advance(), Status::kSourceFailed);

  Course sink;
  test::reset(sink.right.near);
  test::send_some(sink.left.near, "for nobody");
  EXPECT_EQ(sink.advance(), Status::kSinkFailed);
}

TEST(Flow, AFlowThatIsCutGivesItsPipeBack) {
  FlowHost host;
  TcpPair left;
  TcpPair right(4096);
  Transport from(std::move(left.far));
  Transport to(std::move(right.far));
  {
    Flow flow(host);
    const std::string much(100'000, 'x');
    for (int i = 0; i < 100 && host.pipes.used() == 0; ++i) {
      test::send_some(left.near, much);
      test::receive_some(right.near);
      flow.source_is_ready(false);
      flow.sink_is_ready();
      flow.advance(from, to);
    }
    EXPECT_EQ(host.pipes.used(), 1);
  }
  EXPECT_EQ(host.pipes.used(), 0);
  EXPECT_EQ(host.pipes.free(), 0);
}

}  // namespace
}  // namespace roundhouse::proxy
