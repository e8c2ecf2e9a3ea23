// Bytes as hexadecimal digits, for fixtures.
#pragma once

#include <string>
#include <string_view>

namespace roundhouse::edge {

// Blanks between the digits are left out.
inline std::string from_hex(std::string_view digits) {
  std::string bytes;
  int high = -1;
  for (const char c : digits) {
    if (c == ' ') continue;
    const int digit = c <= '9' ? c - '0' : c - 'a' + 10;
    if (high < 0) {
      high = digit;
    } else {
      bytes += static_cast<char>(high << 4 | digit);
      high = -1;
    }
  }
  return bytes;
}

}  // namespace roundhouse::edge
