#include "net/proxy_header.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace roundhouse {
namespace {

using namespace std::string_view_literals;
using Status = ProxyHeader::Status;

constexpr std::string_view kSignature1 = "PROXY ";
constexpr std::size_t kSize1Max = 107;  // the line end included
constexpr std::string_view kSignature2 = "\r\n\r\n\0\r\nQUIT\n"sv;
constexpr std::size_t kFixed2 = 16;  // before the addresses
constexpr std::size_t kSizeIpv4 = 12;
constexpr std::size_t kSizeIpv6 = 36;
constexpr std::size_t kSizeUnix = 216;
constexpr char kTlvCrc32c = 0x03;
constexpr std::size_t kTlvHead = 3;

constexpr ProxyHeader kMalformed{.status = Status::kMalformed, .size = 0, .source = {}};

std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}
std::uint16_t number_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1));
}

// REQUIRES: as many bytes as the family has.
Address address_from(int family, const char* host, std::uint16_t port) {
  if (family == AF_INET) {
    std::uint32_t number = 0;
    std::memcpy(&number, host, sizeof number);
    return Address::ipv4(ntohl(number), port);
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  std::memcpy(&v6.sin6_addr, host, sizeof v6.sin6_addr);
  return {reinterpret_cast<const sockaddr*>(&v6), sizeof v6};
}

// Version 1.

// Up to the next blank, which is taken as well; the last word has none.
std::string_view take_word(std::string_view& text) {
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

std::optional<std::uint16_t> port_from(std::string_view word) {
  std::uint16_t port = 0;
  const char* const end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, port);
  const bool padded = word.size() > 1 && word.front() == '0';
  if (error != std::errc() || stop != end || padded) return std::nullopt;
  return port;
}

bool host_from(int family, std::string_view word, char* bytes) {
  return inet_pton(family, std::string(word).c_str(), bytes) == 1;
}

// What stands between "PROXY " and the line end.
ProxyHeader read_line(std::string_view line, std::size_t size) {
  const bool has_blanks = std::ranges::count(line, ' ') == 4;
  const std::string_view protocol = take_word(line);
  if (protocol == "UNKNOWN") return {.status = Status::kDone, .size = size, .source = {}};
  const int family = protocol == "TCP4" ? AF_INET : AF_INET6;
  if (!has_blanks || (protocol != "TCP4" && protocol != "TCP6")) return kMalformed;
  std::array<char, 16> source{};
  std::array<char, 16> destination{};
  const bool hosts = host_from(family, take_word(line), source.data()) &&
                     host_from(family, take_word(line), destination.data());
  if (!hosts) return kMalformed;
  const auto port = port_from(take_word(line));
  if (!port || !port_from(line)) return kMalformed;
  return {
      .status = Status::kDone, .size = size, .source = address_from(family, source.data(), *port)};
}

ProxyHeader read_version1(std::string_view bytes) {
  const std::string_view window = bytes.substr(0, kSize1Max);
  const std::size_t end = window.find_first_of("\r\n\0"sv);
  if (end == window.npos) return bytes.size() < kSize1Max ? ProxyHeader{} : kMalformed;
  if (window[end] != '\r') return kMalformed;
  if (end + 1 == window.size()) return end + 1 < kSize1Max ? ProxyHeader{} : kMalformed;
  if (window[end + 1] != '\n') return kMalformed;
  return read_line(window.substr(kSignature1.size(), end - kSignature1.size()), end + 2);
}

// Version 2.

// Castagnoli's polynomial, as in RFC 3720; byte by byte, since it is asked for once a connection.
std::uint32_t crc32c(std::string_view bytes, std::size_t zero_from) {
  std::uint32_t crc = ~0U;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const bool is_sum = i >= zero_from && i < zero_from + 4;  // counts as if it were 0
    crc ^= is_sum ? 0 : byte_at(bytes, i);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82F63B78U : 0U);
  }
  return ~crc;
}

// Those of a whole header, from `at` to its end.
bool are_tlvs_good(std::string_view header, std::size_t at) {
  while (at < header.size()) {
    if (header.size() - at < kTlvHead) return false;
    const std::size_t size = number_at(header, at + 1);
    const std::size_t value = at + kTlvHead;
    if (header.size() - value < size) return false;
    if (header[at] == kTlvCrc32c) {
      if (size != 4) return false;
      const std::uint32_t sum =
          static_cast<std::uint32_t>(number_at(header, value)) << 16 | number_at(header, value + 2);
      if (sum != crc32c(header, value)) return false;
    }
    at = value + size;
  }
  return true;
}

// The bytes of the addresses of a family, by its number in the header; none: there is no such one.
std::optional<std::size_t> address_bytes(unsigned family) {
  constexpr std::size_t kSizes[] = {0, kSizeIpv4, kSizeIpv6, kSizeUnix};
  if (family >= std::size(kSizes)) return std::nullopt;
  return kSizes[family];
}

ProxyHeader read_version2(std::string_view bytes) {
  if (bytes.size() <= kSignature2.size()) return {};
  const unsigned version = byte_at(bytes, 12) >> 4;
  const unsigned command = byte_at(bytes, 12) & 0xF;
  if (version != 2 || command > 1) return kMalformed;
  if (bytes.size() < kFixed2) return {};
  const std::size_t size = kFixed2 + number_at(bytes, 14);
  const unsigned family = byte_at(bytes, 13) >> 4;
  const unsigned transport = byte_at(bytes, 13) & 0xF;
  const auto addresses = address_bytes(family);
  const bool local = command == 0;  // then what follows means nothing
  if (size > kProxyHeaderMax || !addresses || transport > 2) return kMalformed;
  if (!local && size < kFixed2 + *addresses) return kMalformed;
  if (bytes.size() < size) return {};
  ProxyHeader header{.status = Status::kDone, .size = size, .source = {}};
  if (local || family == 0) return header;
  if (!are_tlvs_good(bytes.substr(0, size), kFixed2 + *addresses)) return kMalformed;
  const bool is_stream = transport == 1;
  if (family == 1 && is_stream)
    header.source = address_from(AF_INET, bytes.data() + kFixed2, number_at(bytes, kFixed2 + 8));
  if (family == 2 && is_stream)
    header.source = address_from(AF_INET6, bytes.data() + kFixed2, number_at(bytes, kFixed2 + 32));
  return header;
}

// Writing.

void append_number(std::string& text, std::size_t number) {
  text += static_cast<char>(number >> 8 & 0xFF);
  text += static_cast<char>(number & 0xFF);
}

// In the family of both: where one is IPv4 and the other is not, it is written as a mapped one.
void append_host(std::string& text, const Address& address, std::size_t bytes) {
  const auto host = address.host_bytes();
  if (bytes > host.size()) text.append("\0\0\0\0\0\0\0\0\0\0\xff\xff"sv);
  text.append(reinterpret_cast<const char*>(host.data()), host.size());
}

// 4 or 16; 0: they are not both of IP.
std::size_t host_bytes_of(const Address& source, const Address& destination) {
  const std::size_t one = source.host_bytes().size();
  const std::size_t other = destination.host_bytes().size();
  return one == 0 || other == 0 ? 0 : std::max(one, other);
}

std::string fixed_part(char command, char family, std::size_t size) {
  std::string header(kSignature2);
  header += command;
  header += family;
  append_number(header, size);
  return header;
}

}  // namespace

ProxyHeader read_proxy_header(std::string_view bytes) {
  const auto opens = [&](std::string_view signature) {
    const std::size_t size = std::min(bytes.size(), signature.size());
    return bytes.substr(0, size) == signature.substr(0, size);
  };
  if (opens(kSignature1))
    return bytes.size() < kSignature1.size() ? ProxyHeader{} : read_version1(bytes);
  if (opens(kSignature2)) return read_version2(bytes);
  return kMalformed;
}

std::string proxy_header_v1(const Address& source, const Address& destination) {
  const std::size_t bytes = host_bytes_of(source, destination);
  if (bytes == 0) return "PROXY UNKNOWN\r\n";
  const auto host = [&](const Address& address) {
    return (bytes > address.host_bytes().size() ? "::ffff:" : "") + address.host();
  };
  return (bytes == 4 ? "PROXY TCP4 " : "PROXY TCP6 ") + host(source) + " " + host(destination) +
         " " + std::to_string(source.port()) + " " + std::to_string(destination.port()) + "\r\n";
}

std::string proxy_header_v2(const Address& source, const Address& destination) {
  const std::size_t bytes = host_bytes_of(source, destination);
  if (bytes == 0) return fixed_part('\x21', '\x00', 0);
  std::string header = fixed_part('\x21', bytes == 4 ? '\x11' : '\x21', 2 * bytes + 4);
  append_host(header, source, bytes);
  append_host(header, destination, bytes);
  append_number(header, source.port());
  append_number(header, destination.port());
  return header;
}

std::string proxy_header_v2_local() { return fixed_part('\x20', '\x00', 0); }

}  // namespace roundhouse
