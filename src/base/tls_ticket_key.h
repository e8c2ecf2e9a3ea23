// What session tickets are sealed with. Made by the edge, held by every worker.
#pragma once

#include <array>
#include <cstdint>

namespace roundhouse {

struct TlsTicketKey {
  std::array<std::uint8_t, 16> name;    // stands in the ticket
  std::array<std::uint8_t, 32> cipher;  // AES-256-CBC
  std::array<std::uint8_t, 32> mac;     // HMAC-SHA-256
  bool operator==(const TlsTicketKey&) const = default;
};

// New tickets are sealed with `current`. `next` follows it, and is there before anybody uses it, so
// that workers that learn of a change at different moments understand each other's tickets.
struct TlsTicketKeys {
  TlsTicketKey current;
  TlsTicketKey next;
  TlsTicketKey previous;
  bool operator==(const TlsTicketKeys&) const = default;
};
static_assert(sizeof(TlsTicketKeys) == 240);

}  // namespace roundhouse
