#include "base/network.h"

#include <gtest/gtest.h>

namespace roundhouse {
namespace {

bool holds(const char* network, const char* address) {
  return Network::parse(network).value().contains(Address::parse(address).value());
}

TEST(Network, HoldsTheAddressesWithItsPrefix) {
  EXPECT_TRUE(holds("10.0.0.0/8", "10.255.1.2:80"));
  EXPECT_FALSE(holds("10.0.0.0/8", "11.0.0.0:80"));
  EXPECT_TRUE(holds("192.168.128.0/17", "192.168.255.255:1"));
  EXPECT_FALSE(holds("192.168.128.0/17", "192.168.127.255:1"));
  EXPECT_TRUE(holds("0.0.0.0/0", "1.2.3.4:80"));
  EXPECT_FALSE(holds("0.0.0.0/0", "[2001:db8::1]:80"));
  EXPECT_TRUE(holds("2001:db8::/32", "[2001:db8:ffff::1]:80"));
  EXPECT_FALSE(holds("2001:db8::/32", "[2001:db9::1]:80"));
}

TEST(Network, AnAddressAloneIsItself) {
  EXPECT_TRUE(holds("127.0.0.1", "127.0.0.1:80"));
  EXPECT_FALSE(holds("127.0.0.1", "127.0.0.2:80"));
  EXPECT_TRUE(holds("::1", "[::1]:80"));
}

TEST(Network, AMappedAddressIsTheIpv4One) {
  EXPECT_TRUE(holds("10.0.0.0/8", "[::ffff:10.1.2.3]:80"));
}

TEST(Network, UnixIsEveryPeerOnAUnixSocket) {
  EXPECT_TRUE(holds("unix", "unix:/tmp/x"));
  EXPECT_FALSE(holds("unix", "127.0.0.1:80"));
  EXPECT_FALSE(holds("127.0.0.1", "unix:/tmp/x"));
}

TEST(Network, IsWrittenAsItIsRead) {
  for (const char* text : {"10.0.0.0/8", "127.0.0.1", "2001:db8::/32", "::1", "unix", "0.0.0.0/0"})
    EXPECT_EQ(Network::parse(text).value().to_string(), text);
}

TEST(Network, RefusesWhatIsNone) {
  for (const char* text : {"", "x", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "10.1.2.3/8",
                           "::/129", "10.0.0/8", "10.0.0.0/8 ", "unix/1"})
    EXPECT_FALSE(Network::parse(text)) << text;
}

}  // namespace
}  // namespace roundhouse
