#include "net/proxy_header.h"

#include <gtest/gtest.h>

#include <string>

namespace roundhouse {
namespace {

using namespace std::string_literals;
using Status = ProxyHeader::Status;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;
const std::string kIpv4 = "\xC0\x00\x02\x07\x0A\x00\x00\x01\xC8\x22\x01\xBB"s;
const std::string kIpv6 =
    "\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x07\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x01\xC8\x22\x01\xBB"s;
const std::string kClient = "192.0.2.7:51234";

std::string version2(char command, char family, const std::string& rest) {
  return kSignature + command + family + static_cast<char>(rest.size() >> 8 & 0xFF) +
         static_cast<char>(rest.size() & 0xFF) + rest;
}
std::string tlv(char type, const std::string& value) {
  return std::string{type, static_cast<char>(value.size() >> 8 & 0xFF),
                     static_cast<char>(value.size() & 0xFF)} +
         value;
}
// "more", "malformed", or the address that it tells ("none").
std::string said(const std::string& bytes) {
  const ProxyHeader header = read_proxy_header(bytes);
  if (header.status == Status::kMore) return "more";
  if (header.status == Status::kMalformed) return "malformed";
  return header.source ? header.source->to_string() : "none";
}
// Of a whole header: it is read with whatever follows, and of no part of it is anything else said
// than that more must come.
std::string said_of_whole(const std::string& bytes) {
  for (std::size_t part = 0; part < bytes.size(); ++part)
    EXPECT_EQ(said(bytes.substr(0, part)), "more") << part << " bytes";
  for (const std::string& behind : {""s, "GET"s, bytes, "\r\n"s}) {
    EXPECT_EQ(read_proxy_header(bytes + behind).size, bytes.size());
    EXPECT_EQ(said(bytes + behind), said(bytes));
  }
  return said(bytes);
}

TEST(ProxyHeader, OfVersion1TellsTheClient) {
  EXPECT_EQ(said_of_whole("PROXY TCP4 192.0.2.7 10.0.0.1 51234 443\r\n"), kClient);
  EXPECT_EQ(said_of_whole("PROXY TCP6 2001:db8::7 2001:db8::1 51234 443\r\n"),
            "[2001:db8::7]:51234");
  EXPECT_EQ(said_of_whole("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"),
            "255.255.255.255:65535");
  EXPECT_EQ(said_of_whole("PROXY TCP4 1.2.3.4 0.0.0.0 0 0\r\n"), "1.2.3.4:0");
}

TEST(ProxyHeader, OfVersion1MayTellNobody) {
  EXPECT_EQ(said_of_whole("PROXY UNKNOWN\r\n"), "none");
  const std::string longest =
      "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n";
  ASSERT_EQ(longest.size(), 107U);
  EXPECT_EQ(said_of_whole(longest), "none");
}

TEST(ProxyHeader, OfVersion1IsStrict) {
  for (const char* line : {"PROXY TCP4 192.0.2.7 10.0.0.1 51234 443\n",
                           "PROXY TCP4 192.0.2.7 10.0.0.1 51234 443\rX",
                           "PROXY  TCP4 192.0.2.7 10.0.0.1 51234 443\r\n",
                           "PROXY TCP4 192.0.2.7  10.0.0.1 51234 443\r\n",
                           "PROXY TCP4 192.0.2.7 10.0.0.1 51234 443 \r\n",
                           "PROXY TCP4 192.0.2.7 10.0.0.1 51234\r\n",
                           "PROXY TCP4 192.0.2.7 10.0.0.1 51234 443 1\r\n",
                           "PROXY TCP4\r\n",
                           "PROXY \r\n",
                           "PROXY\t",
                           "proxy ",
                           "PROXY UDP4 192.0.2.7 10.0.0.1 51234 443\r\n",
                           "PROXY UNKNOWNX\r\n",
                           "PROXY TCP4 2001:db8::7 2001:db8::1 51234 443\r\n",
                           "PROXY TCP6 192.0.2.7 10.0.0.1 51234 443\r\n",
                           "PROXY TCP4 192.0.2.007 10.0.0.1 51234 443\r\n",
                           "PROXY TCP4 192.0.2 10.0.0.1 51234 443\r\n",
                           "PROXY TCP4 192.0.2.256 10.0.0.1 51234 443\r\n",
                           "PROXY TCP4 192.0.2.7 10.0.0.x 51234 443\r\n",
                           "PROXY TCP4 192.0.2.7 10.0.0.1 65536 443\r\n",
                           "PROXY TCP4 192.0.2.7 10.0.0.1 051234 443\r\n",
                           "PROXY TCP4 192.0.2.7 10.0.0.1 +1 443\r\n",
                           "PROXY TCP4 192.0.2.7 10.0.0.1 -1 443\r\n",
                           "PROXY TCP4 192.0.2.7 10.0.0.1 1 65536\r\n",
                           "PROXY TCP4 192.0.2.7 10.0.0.1 1 \r\n"})
    EXPECT_EQ(said(line), "malformed") << line;
  EXPECT_EQ(said("PROXY TCP4 192.0.2.7\0 10.0.0.1 1 2\r\n"s), "malformed");
}

TEST(ProxyHeader, OfVersion1Has107BytesAtMost) {
  const std::string begun = "PROXY UNKNOWN " + std::string(92, 'x');
  EXPECT_EQ(said(begun), "more");
  EXPECT_EQ(said(begun + "x"), "malformed");  // its line end would be too late
  EXPECT_EQ(said(begun + "x\r\n"), "malformed");
  EXPECT_EQ(said(begun.substr(1) + std::string(kProxyHeaderMax, 'x')), "malformed");
}

TEST(ProxyHeader, OfVersion2TellsTheClient) {
  EXPECT_EQ(said_of_whole(version2('\x21', '\x11', kIpv4)), kClient);
  EXPECT_EQ(said_of_whole(version2('\x21', '\x21', kIpv6)), "[2001:db8::7]:51234");
}

TEST(ProxyHeader, OfVersion2MayTellNobody) {
  EXPECT_EQ(said_of_whole(version2('\x20', '\x00', "")), "none");
  EXPECT_EQ(said_of_whole(version2('\x20', '\x11', kIpv4)), "none") << "LOCAL, whatever it says";
  EXPECT_EQ(said_of_whole(version2('\x20', '\x11', "anything")), "none");
  EXPECT_EQ(said_of_whole(version2('\x21', '\x00', "")), "none");
  EXPECT_EQ(said_of_whole(version2('\x21', '\x00', "\1\xFF\xFF")), "none") << "of no known form";
  EXPECT_EQ(said_of_whole(version2('\x21', '\x31', std::string(216, '\0'))), "none") << "unix";
  EXPECT_EQ(said_of_whole(version2('\x21', '\x12', kIpv4)), "none") << "a datagram's";
  EXPECT_EQ(said_of_whole(version2('\x21', '\x10', kIpv4)), "none");
}

TEST(ProxyHeader, OfVersion2IsStrict) {
  EXPECT_EQ(said(version2('\x11', '\x11', kIpv4)), "malformed") << "another version";
  EXPECT_EQ(said(version2('\x31', '\x11', kIpv4)), "malformed");
  EXPECT_EQ(said(version2('\x22', '\x11', kIpv4)), "malformed") << "another command";
  EXPECT_EQ(said(version2('\x21', '\x41', kIpv4)), "malformed") << "another family";
  EXPECT_EQ(said(version2('\x21', '\x13', kIpv4)), "malformed") << "another transport";
  EXPECT_EQ(said(version2('\x21', '\x11', kIpv4.substr(1))), "malformed") << "too short";
  EXPECT_EQ(said(version2('\x21', '\x21', kIpv6.substr(1))), "malformed");
  EXPECT_EQ(said(version2('\x21', '\x31', std::string(215, '\0'))), "malformed");
  std::string other = version2('\x21', '\x11', kIpv4);
  for (std::size_t i = 0; i < kSignature.size(); ++i) {
    other[i] = static_cast<char>(other[i] ^ 1);
    EXPECT_EQ(said(other), "malformed") << i;
    other[i] = static_cast<char>(other[i] ^ 1);
  }
}

TEST(ProxyHeader, WhatIsSaidBesideTheAddressesIsSkipped) {
  const std::string aws = tlv('\xEA', "\1vpce-08d2bf15fac5001c9");
  EXPECT_EQ(said_of_whole(version2('\x21', '\x11', kIpv4 + tlv('\x01', "h2") + aws)), kClient);
  EXPECT_EQ(said_of_whole(version2('\x21', '\x11', kIpv4 + tlv('\x04', "") + tlv('\x04', "xx"))),
            kClient);
  EXPECT_EQ(said(version2('\x21', '\x11', kIpv4 + "\1")), "malformed");
  EXPECT_EQ(said(version2('\x21', '\x11', kIpv4 + "\1\0"s)), "malformed");
  EXPECT_EQ(said(version2('\x21', '\x11', kIpv4 + "\1\0\3h2"s)), "malformed");
}

TEST(ProxyHeader, OfVersion2HasALimit) {
  const std::size_t room = kProxyHeaderMax - 16 - kIpv4.size() - 3;
  const std::string largest =
      version2('\x21', '\x11', kIpv4 + tlv('\x04', std::string(room, '\0')));
  ASSERT_EQ(largest.size(), kProxyHeaderMax);
  EXPECT_EQ(said(largest.substr(0, kProxyHeaderMax - 1)), "more");
  EXPECT_EQ(said(largest), kClient);
  const std::string larger =
      version2('\x21', '\x11', kIpv4 + tlv('\x04', std::string(room + 1, '\0')));
  EXPECT_EQ(said(larger.substr(0, 15)), "more");
  EXPECT_EQ(said(larger.substr(0, 16)), "malformed") << "said as soon as its length is known";
}

TEST(ProxyHeader, AChecksumMustBeRight) {
  // By another implementation of CRC32C.
  const std::string sum = "\x26\x81\x66\xCA"s;
  const std::string right = version2('\x21', '\x11', kIpv4 + tlv('\x03', sum));
  EXPECT_EQ(said_of_whole(right), kClient);
  for (std::size_t i = 16; i < right.size(); ++i) {
    if (i >= 28 && i < 31) continue;  // then it is another header
    std::string wrong = right;
    wrong[i] = static_cast<char>(wrong[i] ^ 0x40);
    EXPECT_EQ(said(wrong), "malformed") << i;
  }
  EXPECT_EQ(said(version2('\x21', '\x11', kIpv4 + tlv('\x03', sum.substr(1)))), "malformed");
}

TEST(ProxyHeader, NothingElseIsOne) {
  for (const char* bytes : {"G", "GET / HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n", "\x16\x03\x01",
                            "\r\nX", "\n", "PROXX", "QUIT"})
    EXPECT_EQ(said(bytes), "malformed") << bytes;
}

TEST(ProxyHeader, WhatIsWrittenIsWhatIsRead) {
  const Address v4 = Address::parse("192.0.2.7:51234").value();
  const Address v6 = Address::parse("[2001:db8::7]:51234").value();
  const Address here = Address::parse("10.0.0.1:443").value();
  const Address here6 = Address::parse("[2001:db8::1]:443").value();
  EXPECT_EQ(proxy_header_v1(v4, here), "PROXY TCP4 192.0.2.7 10.0.0.1 51234 443\r\n");
  EXPECT_EQ(proxy_header_v1(v6, here6), "PROXY TCP6 2001:db8::7 2001:db8::1 51234 443\r\n");
  EXPECT_EQ(proxy_header_v2(v4, here), version2('\x21', '\x11', kIpv4));
  EXPECT_EQ(proxy_header_v2(v6, here6), version2('\x21', '\x21', kIpv6));
}

TEST(ProxyHeader, AddressesOfTwoFamiliesAreWrittenInOne) {
  const Address v4 = Address::parse("192.0.2.7:51234").value();
  const Address here6 = Address::parse("[2001:db8::1]:443").value();
  EXPECT_EQ(proxy_header_v1(v4, here6), "PROXY TCP6 ::ffff:192.0.2.7 2001:db8::1 51234 443\r\n");
  EXPECT_EQ(said_of_whole(proxy_header_v1(v4, here6)), kClient);
  EXPECT_EQ(said_of_whole(proxy_header_v2(v4, here6)), said(proxy_header_v1(v4, here6)));
}

TEST(ProxyHeader, WhoHasNoAddressIsNobody) {
  const Address v4 = Address::parse("192.0.2.7:51234").value();
  const Address path = Address::parse("unix:/run/a").value();
  EXPECT_EQ(proxy_header_v1(path, v4), "PROXY UNKNOWN\r\n");
  EXPECT_EQ(proxy_header_v1({}, {}), "PROXY UNKNOWN\r\n");
  EXPECT_EQ(proxy_header_v2(v4, path), version2('\x21', '\x00', ""));
  EXPECT_EQ(proxy_header_v2_local(), version2('\x20', '\x00', ""));
}

}  // namespace
}  // namespace roundhouse
