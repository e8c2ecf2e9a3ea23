#include "edge/peer_watch.h"

#include <gtest/gtest.h>

namespace roundhouse::edge {
namespace {

constexpr std::uint32_t kWindow = PeerWatch::kElecting + PeerWatch::kCounted;

class ThePeerWatch : public testing::Test {
 protected:
  // How many findings there were after these many connections more; host 0 is a unix socket.
  int see(std::uint32_t connections, const auto& host_of_nth) {
    int findings = 0;
    for (std::uint32_t n = 0; n < connections; ++n) {
      ipc::ConnectionInfo info{};
      const std::uint32_t host = host_of_nth(n);
      ipc::set_peer(info, host == 0 ? *Address::parse("unix:/x")
                                    : Address::ipv4(host, static_cast<std::uint16_t>(n % 7)));
      if (auto found = watch_.see(info)) {
        last_ = *found;
        ++findings;
      }
    }
    return findings;
  }

  PeerWatch watch_;
  PeerWatch::Finding last_;
};

constexpr std::uint32_t kBalancer = 0x0a000001;

TEST_F(ThePeerWatch, FindsTheOnlyAddressAtTheEndOfTheFirstWindow) {
  EXPECT_EQ(see(kWindow - 1, [](auto) { return kBalancer; }), 0);
  EXPECT_EQ(see(1, [](auto) { return kBalancer; }), 1);
  EXPECT_EQ(last_.peer.host(), "10.0.0.1");
  EXPECT_EQ(last_.connections, PeerWatch::kCounted);
}

TEST_F(ThePeerWatch, SaysItOnce) {
  EXPECT_EQ(see(20 * kWindow, [](auto) { return kBalancer; }), 1);
}

TEST_F(ThePeerWatch, NineOfTenAreTooManyAndFewerAreNot) {
  EXPECT_EQ(see(10 * kWindow, [](auto n) { return n % 8 == 0 ? n + 1 : kBalancer; }), 0);
  EXPECT_EQ(see(2 * kWindow, [](auto n) { return n % 10 == 0 ? n + 1 : kBalancer; }), 1);
  EXPECT_EQ(last_.connections, PeerWatch::kTooMany);
}

TEST_F(ThePeerWatch, ManyAddressesInTurnAreNone) {
  EXPECT_EQ(see(20 * kWindow, [](auto n) { return 1 + n % 300; }), 0);
  EXPECT_EQ(see(20 * kWindow, [](auto n) { return 1 + n % 2; }), 0);
}

TEST_F(ThePeerWatch, AnAddressThatComesLaterIsFoundToo) {
  EXPECT_EQ(see(kWindow + 70, [](auto n) { return 1 + n; }), 0);
  EXPECT_EQ(see(2 * kWindow, [](auto) { return kBalancer; }), 1);
  EXPECT_EQ(last_.peer.host(), "10.0.0.1");
}

TEST_F(ThePeerWatch, ClientsOfUnixSocketsHaveOneAddress) {
  EXPECT_EQ(see(kWindow, [](auto) { return 0U; }), 1);
  EXPECT_TRUE(last_.peer.is_unix());
}

TEST_F(ThePeerWatch, TellsAddressesOfVersion6Apart) {
  int findings = 0;
  for (std::uint32_t n = 0; n < 2 * kWindow; ++n) {
    ipc::ConnectionInfo info{};
    ipc::set_peer(info, *Address::parse(n % 4 == 0 ? "[2001:db8::2]:1" : "[2001:db8::1]:1"));
    findings += watch_.see(info) ? 1 : 0;
  }
  EXPECT_EQ(findings, 0);
}

}  // namespace
}  // namespace roundhouse::edge
