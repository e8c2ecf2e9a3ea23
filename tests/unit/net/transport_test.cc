#include "net/transport.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <string>
#include <utility>

namespace roundhouse {
namespace {

using Status = Transport::Status;

std::pair<Transport, Transport> connected() {
  std::array<int, 2> ends{-1, -1};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
  return {Transport(UniqueFd(ends[0])), Transport(UniqueFd(ends[1]))};
}

TEST(Transport, TwoPiecesAreWrittenOneBehindTheOther) {
  auto [near, far] = connected();
  const Transport::Transfer out = near.write("hello ", "world");
  EXPECT_EQ(out.status, Status::kMoved);
  EXPECT_EQ(out.bytes, 11u);
  std::array<char, 64> bytes;
  const Transport::Transfer in = far.read(bytes);
  EXPECT_EQ(std::string(bytes.data(), in.bytes), "hello world");
}

TEST(Transport, TwoPiecesAreTakenAsFarAsThereIsRoom) {
  auto [near, far] = connected();
  const std::string large(4'000'000, 'x');
  const Transport::Transfer out = near.write("hello ", large);
  EXPECT_EQ(out.status, Status::kMoved);
  EXPECT_GT(out.bytes, 6u);
  EXPECT_LT(out.bytes, large.size());
  EXPECT_EQ(near.write("hello ", large).status, Status::kWouldBlock);
  far.close();
  EXPECT_EQ(near.write("hello ", large).status, Status::kFailed);
}

}  // namespace
}  // namespace roundhouse
