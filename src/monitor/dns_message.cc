#include "monitor/dns_message.h"

#include <algorithm>
#include <cstddef>

namespace roundhouse::monitor {
namespace {

constexpr std::size_t kHeader = 12;
constexpr std::size_t kQuestionsAt = 4;
constexpr std::size_t kAnswersAt = 6;
constexpr std::uint32_t kSignBit = 0x80000000;  // a TTL with it is 0

class Cursor {
 public:
  explicit Cursor(std::span<const unsigned char> message) : rest_(message) {}

  bool skip(std::size_t bytes) {
    if (bytes > rest_.size()) return false;
    rest_ = rest_.subspan(bytes);
    return true;
  }
  // A pointer ends a name (RFC 1035 4.1.4), and is not followed.
  bool skip_name() {
    while (!rest_.empty()) {
      const unsigned length = rest_.front();
      if (length == 0) return skip(1);
      if (length >= 0xC0) return skip(2);
      if (length >= 0x40 || !skip(1 + length)) return false;
    }
    return false;
  }
  std::optional<std::uint32_t> number(std::size_t bytes) {
    if (bytes > rest_.size()) return std::nullopt;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | rest_[i];
    rest_ = rest_.subspan(bytes);
    return value;
  }

 private:
  std::span<const unsigned char> rest_;
};

std::uint32_t count_at(std::span<const unsigned char> message, std::size_t at) {
  return static_cast<std::uint32_t>(message[at]) << 8 | message[at + 1];
}

}  // namespace

std::optional<std::uint32_t> smallest_ttl(std::span<const unsigned char> message) {
  if (message.size() < kHeader) return std::nullopt;
  Cursor cursor(message);
  cursor.skip(kHeader);
  for (std::uint32_t i = 0; i < count_at(message, kQuestionsAt); ++i)
    if (!cursor.skip_name() || !cursor.skip(4)) return std::nullopt;
  std::optional<std::uint32_t> smallest;
  for (std::uint32_t i = 0; i < count_at(message, kAnswersAt); ++i) {
    if (!cursor.skip_name() || !cursor.skip(4)) return std::nullopt;  // type and class
    const auto ttl = cursor.number(4);
    const auto length = cursor.number(2);
    if (!ttl || !length || !cursor.skip(*length)) return std::nullopt;
    smallest = std::min(smallest.value_or(UINT32_MAX), *ttl >= kSignBit ? 0 : *ttl);
  }
  return smallest;
}

}  // namespace roundhouse::monitor
