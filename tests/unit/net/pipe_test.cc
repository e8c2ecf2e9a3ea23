#include "net/pipe.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include <string>
#include <utility>
#include <vector>

#include "support/tcp_pair.h"

namespace roundhouse {
namespace {

using Status = Transport::Status;
using test::TcpPair;

TEST(Pipe, BytesGoFromOneConnectionToAnother) {
  TcpPair a;
  TcpPair b;
  const Transport from(std::move(a.far));
  const Transport to(std::move(b.far));
  const auto pipe = Pipe::create(Pipe::Size::kSmall);
  test::send_some(a.near, "hello");
  const auto in = pipe->fill(from);
  ASSERT_TRUE(in);
  EXPECT_EQ(in->status, Status::kMoved);
  EXPECT_EQ(pipe->size(), 5);
  EXPECT_EQ(pipe->drain(to).bytes, 5);
  EXPECT_TRUE(pipe->empty());
  EXPECT_EQ(test::receive_some(b.near), "hello");
}

TEST(Pipe, TellsWhatTheSourceDoes) {
  TcpPair quiet;
  TcpPair ended;
  TcpPair broken;
  const auto pipe = Pipe::create(Pipe::Size::kSmall);
  EXPECT_EQ(pipe->fill(Transport(std::move(quiet.far)))->status, Status::kWouldBlock);
  ended.near.reset();
  EXPECT_EQ(pipe->fill(Transport(std::move(ended.far)))->status, Status::kEnd);
  test::reset(broken.near);
  EXPECT_EQ(pipe->fill(Transport(std::move(broken.far)))->status, Status::kFailed);
}

TEST(Pipe, KeepsWhatTheSinkDoesNotTake) {
  TcpPair a;
  TcpPair b(4096);
  const Transport from(std::move(a.far));
  const Transport to(std::move(b.far));
  const auto pipe = Pipe::create(Pipe::Size::kSmall);
  const std::string sent = test::numbered(100'000);
  std::string received;
  std::size_t given = 0;
  bool was_full = false;
  while (received.size() < sent.size()) {
    given += test::send_some(a.near, std::string_view(sent).substr(given));
    pipe->fill(from);
    while (!pipe->empty()) {
      const auto out = pipe->drain(to);
      if (out.status != Status::kMoved) break;
    }
    was_full = was_full || !pipe->empty();
    received += test::receive_some(b.near);
  }
  EXPECT_TRUE(was_full);
  EXPECT_EQ(received, sent);
}

TEST(Pipe, SaysWhatItCannotTakeFrom) {
  const auto pipe = Pipe::create(Pipe::Size::kSmall);
  EXPECT_FALSE(pipe->fill(Transport(UniqueFd(::epoll_create1(EPOLL_CLOEXEC)))));
}

TEST(PipePool, KeepsAFewAndLendsOnlySoMany) {
  PipePool pool;
  std::vector<std::unique_ptr<Pipe>> lent;
  while (auto pipe = pool.acquire(Pipe::Size::kSmall)) lent.push_back(std::move(pipe));
  EXPECT_LE(lent.size(), PipePool::kUsedMax);
  EXPECT_EQ(pool.used(), lent.size());
  for (auto& pipe : lent) pool.release(std::move(pipe));
  EXPECT_EQ(pool.used(), 0);
  EXPECT_EQ(pool.free(), PipePool::kFreeMax);
}

TEST(PipePool, TheLargeOnesAreFewAndComeBack) {
  PipePool pool;
  std::vector<std::unique_ptr<Pipe>> lent;
  for (std::size_t i = 0; i <= PipePool::kLargeMax; ++i)
    lent.push_back(pool.acquire(Pipe::Size::kLarge));
  EXPECT_TRUE(lent.front()->is_large());
  EXPECT_FALSE(lent.back()->is_large());
  for (auto& pipe : lent) pool.release(std::move(pipe));
  EXPECT_TRUE(pool.acquire(Pipe::Size::kLarge)->is_large());
  EXPECT_FALSE(pool.acquire(Pipe::Size::kSmall)->is_large());
}

TEST(PipePool, OneThatStillHoldsBytesIsNotLentAgain) {
  TcpPair a;
  const Transport from(std::move(a.far));
  PipePool pool;
  auto pipe = pool.acquire(Pipe::Size::kSmall);
  test::send_some(a.near, "left over");
  ASSERT_TRUE(pipe->fill(from));
  pool.release(std::move(pipe));
  EXPECT_EQ(pool.free(), 0);
}

TEST(PipePool, TakesWhatItIsAllowedAndGivesWay) {
  DescriptorAllowance allowance;
  allowance.set_most(5);
  PipePool pool(&allowance);
  auto one = pool.acquire(Pipe::Size::kSmall);
  auto two = pool.acquire(Pipe::Size::kSmall);
  EXPECT_EQ(allowance.taken(), 4U);
  EXPECT_EQ(pool.acquire(Pipe::Size::kSmall), nullptr);
  pool.release(std::move(one));
  EXPECT_EQ(allowance.taken(), 4U) << "it is kept";
  allowance.set_most(2);
  EXPECT_TRUE(pool.is_short());
  EXPECT_EQ(pool.acquire(Pipe::Size::kSmall), nullptr);
  pool.release(std::move(two));
  EXPECT_EQ(allowance.taken(), 2U);
  pool.drop_free();
  EXPECT_EQ(allowance.taken(), 0U);
  EXPECT_EQ(pool.free(), 0U);
}

TEST(PipePool, HasNoneWhereNoDescriptorsAreLeft) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const rlimit none{.rlim_cur = 0, .rlim_max = limit.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  PipePool pool;
  EXPECT_EQ(pool.acquire(Pipe::Size::kSmall), nullptr);
  ::setrlimit(RLIMIT_NOFILE, &limit);
  EXPECT_EQ(pool.used(), 0);
  EXPECT_NE(pool.acquire(Pipe::Size::kSmall), nullptr);
}

}  // namespace
}  // namespace roundhouse
