#include "base/network.h"

#include <arpa/inet.h>

#include <charconv>

namespace roundhouse {

Result<Network> Network::parse(std::string_view text) {
  Network network;
  if (text == "unix") return network;
  const auto slash = std::min(text.find('/'), text.size());
  const std::string host(text.substr(0, slash));
  if (inet_pton(AF_INET, host.c_str(), network.bytes_.data()) == 1) {
    network.size_ = 4;
  } else if (inet_pton(AF_INET6, host.c_str(), network.bytes_.data()) == 1) {
    network.size_ = 16;
  } else {
    return fail("'" + host + "' is neither a numeric address nor unix");
  }
  const unsigned most = network.size_ * 8U;
  unsigned bits = most;
  if (slash < text.size()) {
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data() + slash + 1, last, bits);
    if (error != std::errc() || end != last || bits > most)
      return fail("the prefix is not a number from 0 to " + std::to_string(most));
  }
  network.bits_ = static_cast<std::uint8_t>(bits);
  for (unsigned bit = bits; bit < most; ++bit) {
    if ((network.bytes_[bit / 8] >> (7 - bit % 8) & 1) != 0)
      return fail("there are bits behind its prefix");
  }
  return network;
}

bool Network::contains(const Address& address) const {
  if (size_ == 0) return address.is_unix();
  const auto host = address.host_bytes();
  if (host.size() != size_) return false;
  for (unsigned i = 0; i < bits_; i += 8) {
    const unsigned kept = std::min(8U, bits_ - i);
    const unsigned mask = 0xFFU << (8 - kept) & 0xFFU;
    if (((host[i / 8] ^ bytes_[i / 8]) & mask) != 0) return false;
  }
  return true;
}

std::string Network::to_string() const {
  if (size_ == 0) return "unix";
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(size_ == 4 ? AF_INET : AF_INET6, bytes_.data(), text, sizeof text);
  return bits_ == size_ * 8U ? text : std::string(text) + "/" + std::to_string(bits_);
}

}  // namespace roundhouse
