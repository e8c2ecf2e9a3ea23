#include "ipc/messages.h"

#include <algorithm>
#include <cstring>

namespace roundhouse::ipc {

void set_peer(ConnectionInfo& info, const Address& peer) {
  info.peer_family = static_cast<std::uint16_t>(peer.family());
  info.peer_port = peer.port();
  const auto bytes = peer.host_bytes();
  if (bytes.size() == 4) info.peer_family = AF_INET;
  std::ranges::copy(bytes, info.peer_host);
}

Address peer_of(const ConnectionInfo& info) {
  if (info.peer_family == AF_INET) {
    std::uint32_t host = 0;
    std::memcpy(&host, info.peer_host, sizeof host);
    return Address::ipv4(ntohl(host), info.peer_port);
  }
  if (info.peer_family == AF_INET6) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(info.peer_port);
    std::memcpy(&v6.sin6_addr, info.peer_host, sizeof v6.sin6_addr);
    return {reinterpret_cast<const sockaddr*>(&v6), sizeof v6};
  }
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  return {reinterpret_cast<const sockaddr*>(&un), offsetof(sockaddr_un, sun_path)};
}

DrainMessage to_message(const DrainTerms& terms) {
  return {.header = {},
          .deadline_ns = nanoseconds(terms.deadline),
          .requests_until_ns = nanoseconds(terms.requests_until),
          .give_back = terms.give_back};
}

DrainTerms terms_of(const DrainMessage& message) {
  return {.deadline = time_from_nanoseconds(message.deadline_ns),
          .requests_until = time_from_nanoseconds(message.requests_until_ns),
          .give_back = message.give_back};
}

std::string describe(const ProbeFinding& finding) {
  switch (finding.end) {
    case ProbeEnd::kConnect:
      return "connect: " + std::string(std::strerror(static_cast<int>(finding.detail)));
    case ProbeEnd::kReset:
      return "the connection was reset";
    case ProbeEnd::kClosed:
      return "the connection ended without an answer";
    case ProbeEnd::kNotHttp:
      return "an answer that is not HTTP";
    case ProbeEnd::kStatus:
      return "it answered " + std::to_string(finding.detail);
    case ProbeEnd::kSilence:
      break;
  }
  return "no answer in time";
}

}  // namespace roundhouse::ipc
