#include "net/listener.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

namespace roundhouse {
namespace {

UniqueFd connect_to(const Address& address) {
  UniqueFd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), address.data(), address.size()) != 0) fd.reset();
  return fd;
}

class UnixListener : public ::testing::Test {
 protected:
  UnixListener() { path_ = ::mkdtemp(directory_) + std::string("/app.sock"); }
  ~UnixListener() override { std::filesystem::remove_all(directory_); }
  char directory_[32] = "/tmp/roundhouse-test-XXXXXX";
  std::string path_;
};

TEST(Listener, PortZeroIsResolvedAndAccepts) {
  auto socket = listen_on(Address::loopback(0), {.backlog = 16});
  ASSERT_TRUE(socket) << socket.error().message;
  EXPECT_NE(socket->address.port(), 0);
  Accepted accepted;
  EXPECT_EQ(accept_from(socket->fd.get(), accepted), AcceptStatus::kNothing);
  const UniqueFd client = connect_to(socket->address);
  ASSERT_TRUE(client);
  EXPECT_EQ(accept_from(socket->fd.get(), accepted), AcceptStatus::kAccepted);
  EXPECT_TRUE(accepted.peer.is_loopback());
}

TEST(Listener, EveryInterfaceTakesIPv4Clients) {
  auto socket = listen_on(*Address::parse("0"), {.backlog = 16});
  ASSERT_TRUE(socket) << socket.error().message;
  EXPECT_TRUE(connect_to(Address::loopback(socket->address.port())));
}

TEST(Listener, APortInUseIsNamed) {
  auto first = listen_on(Address::loopback(0), {.backlog = 16});
  ASSERT_TRUE(first);
  auto second = listen_on(first->address, {.backlog = 16});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message,
            "bind " + first->address.to_string() + ": Address already in use");
  EXPECT_EQ(second.error().code, ExitCode::kSystem);
}

TEST_F(UnixListener, ReplacesAStaleSocketButNotALiveOne) {
  const Address address = *Address::parse("unix:" + path_);
  {
    auto stale = listen_on(address, {.backlog = 16});
    ASSERT_TRUE(stale) << stale.error().message;
  }
  auto live = listen_on(address, {.backlog = 16, .unix_mode = 0600});
  ASSERT_TRUE(live) << live.error().message;
  struct stat status{};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_TRUE(connect_to(address));
  EXPECT_FALSE(listen_on(address, {.backlog = 16}));
  EXPECT_TRUE(connect_to(address)) << "the live one was not disturbed";
}

TEST_F(UnixListener, DoesNotReplaceAFileThatIsNoSocket) {
  ASSERT_EQ(::system(("echo precious > " + path_).c_str()), 0);
  EXPECT_FALSE(listen_on(*Address::parse("unix:" + path_), {.backlog = 16}));
  EXPECT_EQ(std::filesystem::file_size(path_), 9u);
}

TEST(Listener, WithoutDescriptorsTheConnectionWaits) {
  auto socket = listen_on(Address::loopback(0), {.backlog = 16});
  ASSERT_TRUE(socket);
  const UniqueFd client = connect_to(socket->address);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 0;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  Accepted accepted;
  const AcceptStatus refused = accept_from(socket->fd.get(), accepted);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(refused, AcceptStatus::kNoDescriptors);
  EXPECT_EQ(accept_from(socket->fd.get(), accepted), AcceptStatus::kAccepted);
}

TEST(Listener, OnlyIPv6LeavesThePortToIPv4) {
  auto v6 = listen_on(Address::ipv6_any(0), {.only_v6 = true});
  ASSERT_TRUE(v6) << v6.error().message;
  const auto v4 = listen_on(Address::ipv4(INADDR_ANY, v6->address.port()), {});
  EXPECT_TRUE(v4) << v4.error().message;
}

}  // namespace
}  // namespace roundhouse
