// "HTTP/1.1" in a request or status line (RFC 9112 2.3).
#pragma once

#include <cstddef>
#include <string_view>

#include "http/failure.h"
#include "http/message.h"

namespace roundhouse::http {

inline constexpr std::size_t kVersionSize = 8;

// Whether `text`, at most kVersionSize bytes, can be the beginning of "HTTP/" DIGIT "." DIGIT.
inline bool is_version_prefix(std::string_view text) {
  constexpr std::string_view kPattern = "HTTP/0.0";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool fits =
        kPattern[i] == '0' ? text[i] >= '0' && text[i] <= '9' : text[i] == kPattern[i];
    if (!fits) return false;
  }
  return true;
}

// REQUIRES: at least kVersionSize bytes.
inline Failure parse_version(std::string_view text, Version& version) {
  const std::string_view bytes = text.substr(0, kVersionSize);
  if (bytes == "HTTP/1.1") {
    version = Version::kHttp11;
    return Failure::kNone;
  }
  if (bytes == "HTTP/1.0") {
    version = Version::kHttp10;
    return Failure::kNone;
  }
  return is_version_prefix(bytes) ? Failure::kUnsupportedVersion : Failure::kBadVersion;
}

}  // namespace roundhouse::http
