#include "base/signature.h"

#include <sys/random.h>

#include <array>
#include <cstdint>
#include <span>

#include "base/check.h"
#include "base/keyed_hash.h"

namespace roundhouse {
namespace {

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

void append_hex(std::string& text, std::uint64_t number) {
  for (int shift = 60; shift >= 0; shift -= 4) text += "0123456789abcdef"[number >> shift & 15];
}

// The nth of the numbers that come from `key`.
std::uint64_t derived(std::string_view key, std::uint64_t n) {
  return keyed_hash(HashKey{n, ~n}, bytes_of(key));
}

}  // namespace

std::string signature_of(std::string_view key, std::string_view text) {
  std::string signature;
  for (const std::uint64_t half : {0, 2}) {
    const HashKey own{derived(key, half), derived(key, half + 1)};
    append_hex(signature, keyed_hash(own, bytes_of(text)));
  }
  return signature;
}

std::string new_signature_key() {
  std::array<std::uint64_t, 4> numbers{};
  CHECK(::getrandom(numbers.data(), sizeof numbers, 0) == sizeof numbers);
  std::string key;
  for (const std::uint64_t number : numbers) append_hex(key, number);
  return key;
}

}  // namespace roundhouse
