// What our DNS library does not tell of an answer. Pure; the message is hostile input.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace roundhouse::monitor {

// The smallest time to live of the records in the answer section, in seconds (RFC 1035 4.1, RFC
// 2181 8); nothing if there are none or the message is malformed.
std::optional<std::uint32_t> smallest_ttl(std::span<const unsigned char> message);

}  // namespace roundhouse::monitor
