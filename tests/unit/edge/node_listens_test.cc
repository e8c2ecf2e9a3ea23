#include "edge/node_listens.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "net/listener.h"
#include "support/process.h"

namespace roundhouse::edge {
namespace {

using Type = NodeListen::Type;

NodeListen tcp(std::int64_t port, std::int64_t index = 0) {
  NodeListen asked;
  asked.type = Type::kTcp4;
  asked.port = port;
  asked.index = index;
  return asked;
}

class NodeListensTest : public testing::Test {
 protected:
  void add(const std::string& name, const std::string& address) {
    served_.push_back({.index = static_cast<std::uint32_t>(served_.size()),
                       .name = name,
                       .address = *Address::parse(address),
                       .fd = 0,
                       .backlog = 4096});
  }
  // `front`: what the clients of the proxies connect to; empty: several addresses.
  void add_private(const std::string& front) {
    served_.push_back({.index = kOwnDoor,
                       .name = "private",
                       .address = front.empty() ? Address() : *Address::parse(front)});
  }
  NodeListens& listens() {
    if (listens_ == nullptr)
      listens_ = std::make_unique<NodeListens>(std::make_shared<const config::Pool>(pool_), served_,
                                               nullptr);
    return *listens_;
  }
  NodeEndpoint& acquire(const NodeListen& asked) { return **listens().acquire(asked); }

  config::Pool pool_{.name = "app", .type = config::PoolType::kNode};
  std::vector<ServedListener> served_;
  std::unique_ptr<NodeListens> listens_;
};

TEST_F(NodeListensTest, TheOnlyListenerServesTheFirstPortWhateverItsNumber) {
  add("web", "0.0.0.0:8000");
  NodeEndpoint& endpoint = acquire(tcp(3000));
  EXPECT_EQ(endpoint.listener, 0u);
  EXPECT_LT(endpoint.shared, 0);
  EXPECT_EQ(endpoint.name->port, 3000) << "Node compares it with what it asked for";
  EXPECT_EQ(endpoint.name->address, "0.0.0.0");
  EXPECT_EQ(listens().describe(endpoint), "3000 -> web (0.0.0.0:8000)");
  EXPECT_EQ(&acquire(tcp(3000)), &endpoint);
  EXPECT_EQ(endpoint.holders, 2u);
  EXPECT_FALSE(acquire(tcp(0)).listener) << "a second one has a socket of its own";
}

TEST_F(NodeListensTest, AnyPortIsToldThePortOfItsListener) {
  add("web", "0.0.0.0:8000");
  EXPECT_EQ(acquire(tcp(0)).name->port, 8000);
}

TEST_F(NodeListensTest, WithSeveralListenersTheSamePortDecides) {
  add("web", "0.0.0.0:8000");
  add("admin", "127.0.0.1:8001");
  EXPECT_EQ(acquire(tcp(8001)).listener, 1u);
  EXPECT_EQ(acquire(tcp(8000)).listener, 0u);
  EXPECT_FALSE(acquire(tcp(0)).listener);
}

TEST_F(NodeListensTest, WhatTheConfigurationSaysComesFirst) {
  add("web", "0.0.0.0:8000");
  add("admin", "127.0.0.1:8001");
  pool_.listen = {{"8000", "admin"}, {"3000", "web"}, {"/app.sock", "web"}};
  EXPECT_EQ(acquire(tcp(8000)).listener, 1u);
  EXPECT_EQ(acquire(tcp(3000)).listener, 0u);
}

TEST_F(NodeListensTest, AListenerThatTheConfigurationNamesIsNotGivenToAnother) {
  add("web", "0.0.0.0:8000");
  pool_.listen = {{"3000", "web"}};
  EXPECT_FALSE(acquire(tcp(0)).listener);
  EXPECT_EQ(acquire(tcp(3000)).listener, 0u);
}

TEST_F(NodeListensTest, AProgramThatComesBackOnAnotherPortIsServedAgain) {
  add("web", "0.0.0.0:8000");
  listens().release(acquire(tcp(3000)), false);
  EXPECT_EQ(acquire(tcp(4000)).listener, 0u);
}

TEST_F(NodeListensTest, AUnixPathThatAListenerHasIsServedByIt) {
  add("web", "unix:/run/app.sock");
  NodeListen asked;
  asked.type = Type::kUnix;
  asked.address = "/run/app.sock";
  NodeEndpoint& endpoint = acquire(asked);
  EXPECT_EQ(endpoint.listener, 0u);
  EXPECT_FALSE(endpoint.name) << "a unix socket has none";
  listens().release(endpoint, false);
  EXPECT_EQ(acquire(tcp(3000)).listener, 0u);
}

TEST_F(NodeListensTest, AnOwnSocketStaysAfterADeathAndGoesAfterAClose) {
  NodeEndpoint& endpoint = acquire(tcp(0));
  const std::int64_t port = endpoint.name->port;
  EXPECT_GT(port, 0);
  EXPECT_NE(::fcntl(endpoint.shared, F_GETFL) & O_NONBLOCK, 0);
  listens().release(endpoint, false);
  EXPECT_EQ(acquire(tcp(0)).name->port, port);
  const int fd = endpoint.shared;
  listens().release(endpoint, true);
  EXPECT_LT(::fcntl(fd, F_GETFD), 0);
}

TEST_F(NodeListensTest, EachListenOnAnyPortIsAnother) {
  EXPECT_NE(&acquire(tcp(0, 0)), &acquire(tcp(0, 1)));
  EXPECT_EQ(&acquire(tcp(0, 1)), &acquire(tcp(0, 1)));
  const NodeEndpoint& first = acquire(tcp(0, 0));
  ASSERT_EQ(::listen(first.shared, 1), 0);
  NodeListen fixed = tcp(first.name->port);
  fixed.address = "127.0.0.1";
  EXPECT_EQ(listens().acquire(fixed).error(), EADDRINUSE)
      << "the same number, and another socket has it";
}

TEST_F(NodeListensTest, AUnixSocketOfItsOwnHasTheModeThatWasAskedForAndIsRemoved) {
  const test::TemporaryDirectory directory;
  NodeListen asked;
  asked.type = Type::kUnix;
  asked.address = directory.path() + "/app.sock";
  asked.readable_all = asked.writable_all = true;
  NodeEndpoint& endpoint = acquire(asked);
  struct stat status{};
  ASSERT_EQ(::stat(asked.address->c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0777u);
  listens().release(endpoint, true);
  EXPECT_NE(::stat(asked.address->c_str(), &status), 0);
}

TEST_F(NodeListensTest, UdpIsAlwaysASocketOfItsOwn) {
  add("web", "0.0.0.0:8000");
  NodeListen asked = tcp(0);
  asked.type = Type::kUdp4;
  EXPECT_FALSE(acquire(asked).listener);
  EXPECT_EQ(acquire(tcp(3000)).listener, 0u);
}

TEST_F(NodeListensTest, WhatCannotBeIsAnErrnoForTheProgram) {
  NodeListen descriptor;
  descriptor.fd = 3;
  EXPECT_EQ(listens().acquire(descriptor).error(), EBADF);
  NodeListen handle;  // Node 18: listen(handle)
  handle.type = Type::kUnix;
  EXPECT_EQ(listens().acquire(handle).error(), EINVAL);
  EXPECT_EQ(listens().acquire(tcp(70000)).error(), EINVAL);
  NodeListen name = tcp(80);
  name.address = "no address";
  EXPECT_EQ(listens().acquire(name).error(), EINVAL);
}

TEST_F(NodeListensTest, AProgramCannotHaveSocketsWithoutBound) {
  NodeEndpoint* last = nullptr;
  for (std::int64_t index = 0; index < 64; ++index) last = &acquire(tcp(0, index));
  EXPECT_EQ(listens().acquire(tcp(0, 64)).error(), EMFILE);
  listens().release(*last, false);
  EXPECT_TRUE(listens().acquire(tcp(0, 64))) << "in place of one that nobody holds";
}

TEST_F(NodeListensTest, UnderPolicyNoneTheListenersSocketIsSharedIfThePortIsTheSame) {
  pool_.policy = config::Policy::kNone;
  add("web", "0.0.0.0:8000");
  EXPECT_EQ(listens().acquire(tcp(3000)).error(), EADDRINUSE);
  EXPECT_EQ(acquire(tcp(8000)).shared, 0);
}

TEST_F(NodeListensTest, TheFirstTicketKeysAreEverybodys) {
  add("web", "0.0.0.0:8000");
  NodeListen asked = tcp(3000);
  EXPECT_EQ(acquire(asked).asked.data, "");
  asked.data = "first";
  EXPECT_EQ(acquire(asked).asked.data, "first");
  asked.data = "second";
  EXPECT_EQ(acquire(asked).asked.data, "first");
}

TEST_F(NodeListensTest, PrivateSocketsServeTheFirstPortWhereThereIsNoListener) {
  add_private("0.0.0.0:8000");
  NodeEndpoint& endpoint = acquire(tcp(3000));
  EXPECT_EQ(endpoint.listener, kOwnDoor);
  EXPECT_LT(endpoint.shared, 0) << "the edge hands over what comes in";
  EXPECT_EQ(endpoint.name->port, 3000);
  EXPECT_EQ(listens().describe(endpoint), "3000 -> private sockets, for proxies");
  EXPECT_EQ(listens().only_port(), 8000) << "what clients connect to";
  EXPECT_FALSE(acquire(tcp(3001)).listener);
}

TEST_F(NodeListensTest, ListenersComeBeforePrivateSocketsThatNothingIsMappedTo) {
  add("web", "0.0.0.0:8000");
  add_private("127.0.0.1:8001");
  EXPECT_EQ(acquire(tcp(3000)).listener, 0U);
  EXPECT_EQ(listens().only_port(), 8000);
}

TEST_F(NodeListensTest, AMappedPortLeadsToPrivateSocketsUnderEveryPolicy) {
  pool_.policy = config::Policy::kNone;
  pool_.listen = {{"3001", "private"}};
  add("web", "0.0.0.0:8000");
  add_private("");
  EXPECT_EQ(acquire(tcp(3001)).listener, kOwnDoor);
  EXPECT_LT(acquire(tcp(3001)).shared, 0);
  EXPECT_EQ(acquire(tcp(8000)).listener, 0U);
}

}  // namespace
}  // namespace roundhouse::edge
