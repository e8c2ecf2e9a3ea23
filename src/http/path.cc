#include "http/path.h"

#include <cstddef>

#include "base/check.h"
#include "http/scan.h"

namespace roundhouse::http {
namespace {

constexpr std::string_view kHexDigits = "0123456789ABCDEF";

unsigned hex_value(char c) {
  return c <= '9' ? static_cast<unsigned>(c - '0') : (static_cast<unsigned>(c) | 0x20) - 'a' + 10;
}

// RFC 3986 2.3.
bool is_unreserved(unsigned char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

class Normaliser {
 public:
  explicit Normaliser(std::span<char> out) : out_(out) {}

  void put(char c) { out_[size_++] = c; }

  // Takes the two digits of an escape. False: what it stands for is refused.
  bool put_escape(char high, char low) {
    const unsigned value = (hex_value(high) << 4) | hex_value(low);
    if (value == '\0' || value == '\r' || value == '\n') return false;
    if (is_unreserved(static_cast<unsigned char>(value))) {
      put(static_cast<char>(value));
      return true;
    }
    put('%');
    put(kHexDigits[value >> 4]);
    put(kHexDigits[value & 15]);
    return true;
  }

  // A segment is whole. False: it leaves the root.
  bool end_segment() {
    const std::string_view segment = text().substr(segment_);
    if (segment == ".") size_ = segment_;
    if (segment != "..") return true;
    if (segment_ == 1) return false;
    segment_ = text().rfind('/', segment_ - 2) + 1;
    size_ = segment_;
    return true;
  }

  // Two in a row become one, and so does one behind a segment that was removed.
  void put_slash() {
    if (size_ == 0 || out_[size_ - 1] != '/') put('/');
    segment_ = size_;
  }

  std::string_view text() const { return {out_.data(), size_}; }

 private:
  std::span<char> out_;
  std::size_t size_ = 0;
  std::size_t segment_ = 0;  // where the segment began, behind its slash
};

}  // namespace

std::optional<std::string_view> normalise_path(std::string_view path, std::span<char> out) {
  CHECK(path.starts_with('/') && out.size() >= path.size());
  Normaliser normaliser(out);
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '/') {
      if (!normaliser.end_segment()) return std::nullopt;
      normaliser.put_slash();
    } else if (path[i] == '%') {
      if (path.size() - i < 3 || !is(kHexByte, path[i + 1]) || !is(kHexByte, path[i + 2]))
        return std::nullopt;
      if (!normaliser.put_escape(path[i + 1], path[i + 2])) return std::nullopt;
      i += 2;
    } else {
      normaliser.put(path[i]);
    }
  }
  if (!normaliser.end_segment()) return std::nullopt;
  return normaliser.text();
}

}  // namespace roundhouse::http
