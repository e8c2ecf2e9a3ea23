#include "base/address.h"

#include <gtest/gtest.h>

#include <cstring>

namespace roundhouse {
namespace {

TEST(Address, APortAloneMeansEveryInterface) {
  auto address = Address::parse("8000");
  ASSERT_TRUE(address);
  EXPECT_TRUE(address->is_any());
  EXPECT_EQ(address->to_string(), "[::]:8000");
}

TEST(Address, ReadsAndWritesEachForm) {
  for (const char* text :
       {"127.0.0.1:80", "10.200.0.255:9", "[::1]:443", "unix:/run/app.sock", "0.0.0.0:0"}) {
    auto address = Address::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->to_string(), text);
  }
}

TEST(Address, RefusesNamesBadPortsAndLongPaths) {
  for (const std::string& text :
       {std::string("example.com:80"), std::string("127.0.0.1:70000"), std::string("::1:80"),
        std::string(""), std::string("80x"), "unix:" + std::string(200, 'a')}) {
    EXPECT_FALSE(Address::parse(text)) << text;
  }
}

TEST(Address, AMappedIPv4AddressIsTheIPv4Address) {
  Address address = Address::ipv6_any(7);
  sockaddr_in6 v6{};
  std::memcpy(&v6, address.data(), sizeof v6);
  const unsigned char mapped[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 9};
  std::memcpy(&v6.sin6_addr, mapped, 16);
  address = Address(reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
  EXPECT_EQ(address.to_string(), "127.0.0.9:7");
  EXPECT_TRUE(address.is_loopback());
  EXPECT_EQ(address.host_bytes().size(), 4u);
}

}  // namespace
}  // namespace roundhouse
