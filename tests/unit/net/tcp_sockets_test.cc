#include "net/tcp_sockets.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>

#include "net/listener.h"

namespace roundhouse {
namespace {

std::uint64_t inode_of(int fd) {
  struct stat status{};
  EXPECT_EQ(::fstat(fd, &status), 0);
  return status.st_ino;
}

bool has(const std::vector<TcpSocket>& sockets, int fd, std::uint16_t port) {
  return std::ranges::any_of(sockets, [&](const TcpSocket& socket) {
    return socket.inode == inode_of(fd) && socket.local_port == port;
  });
}

TEST(TcpSockets, ThoseThatListenAreFoundAndNoOthers) {
  const ListeningSocket listening = listen_on(Address::loopback(0), {.backlog = 8}).value();
  const UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::connect(client.get(), listening.address.data(), listening.address.size()), 0);
  const UniqueFd served(::accept(listening.fd.get(), nullptr, nullptr));
  ASSERT_TRUE(served);
  const std::uint16_t port = listening.address.port();
  const auto listens = tcp_sockets(TcpState::kListening, {}, 100'000).value();
  EXPECT_TRUE(has(listens, listening.fd.get(), port));
  EXPECT_FALSE(has(listens, served.get(), port));
  const auto established = tcp_sockets(TcpState::kEstablished, {}, 1'000'000).value();
  EXPECT_TRUE(has(established, served.get(), port));
  EXPECT_FALSE(has(established, listening.fd.get(), port));
}

TEST(TcpSockets, ThoseOfIpv6AreFoundToo) {
  auto listening = listen_on(Address::parse("[::1]:0").value(), {.backlog = 8});
  const std::uint64_t none = 0;
  const auto sockets = tcp_sockets(TcpState::kListening, {}, 100'000).value();
  for (const TcpSocket& socket : sockets) EXPECT_NE(socket.inode, none);
  if (!listening) return;  // a machine without IPv6
  EXPECT_TRUE(has(sockets, listening->fd.get(), listening->address.port()));
}

TEST(TcpSockets, ThoseOfOtherPortsAreLeftOut) {
  const ListeningSocket one = listen_on(Address::loopback(0), {.backlog = 8}).value();
  const ListeningSocket other = listen_on(Address::loopback(0), {.backlog = 8}).value();
  const std::uint16_t ports[] = {one.address.port()};
  const auto sockets = tcp_sockets(TcpState::kListening, ports, 100).value();
  EXPECT_TRUE(has(sockets, one.fd.get(), one.address.port()));
  EXPECT_FALSE(has(sockets, other.fd.get(), other.address.port()));
}

TEST(TcpSockets, NoMoreAreTakenThanMayBe) {
  const ListeningSocket one = listen_on(Address::loopback(0), {.backlog = 8}).value();
  const ListeningSocket other = listen_on(Address::loopback(0), {.backlog = 8}).value();
  EXPECT_EQ(tcp_sockets(TcpState::kListening, {}, 1).value().size(), 1U);
}

}  // namespace
}  // namespace roundhouse
