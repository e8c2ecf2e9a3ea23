// Keyed signatures of short texts, for what a client is given and gives back: the endpoint in a
// sticky cookie.
#pragma once

#include <string>
#include <string_view>

namespace roundhouse {

// 32 hexadecimal digits: twice SipHash-2-4, a function that was made to authenticate short messages
// (base/keyed_hash.h), with two keys that come from `key`. Nobody who does not know that can make
// one. It is as strong as the 128 bits, and the key, are: for a choice among servers, not for
// secrets.
std::string signature_of(std::string_view key, std::string_view text);

// A new key from the system's randomness.
std::string new_signature_key();

}  // namespace roundhouse
