// Keyed signatures (HMAC-SHA256, RFC 2104), for what a client is given and gives back.
#pragma once

#include <string>
#include <string_view>

namespace roundhouse {

// 32 hexadecimal digits, the first half of the HMAC: nobody without the key can make them.
std::string signature_of(std::string_view key, std::string_view text);

// A new key from the system's randomness.
std::string new_signature_key();

}  // namespace roundhouse
