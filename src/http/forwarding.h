// Which fields of a message go on to the next hop, in both directions (RFC 9110 7.6.1).
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "http/message.h"

namespace roundhouse::http {

// The fields of one message that end here: Connection and those it names, Keep-Alive,
// Proxy-Connection, TE and Upgrade; and Transfer-Encoding, since who sends a message frames it.
// Host and Content-Length cannot be named away: they route and frame.
//
// Views into `fields`, which must stay valid.
class HopByHop {
 public:
  explicit HopByHop(const FieldTable& fields);

  // Connection names more than kNamesMax fields: the message is to be refused.
  bool too_many() const { return too_many_; }
  // REQUIRES: !too_many().
  bool holds(const Field& field) const;
  // Ends here whether Connection names it or not.
  static bool is_always(std::string_view name);

  // Each forwarded field is compared with each name: this bounds the work.
  static constexpr std::size_t kNamesMax = 16;

 private:
  void add(std::string_view name);

  std::array<std::string_view, kNamesMax> names_;
  std::size_t count_ = 0;
  bool too_many_ = false;
};

}  // namespace roundhouse::http
