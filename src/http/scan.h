// The innermost loops of the HTTP/1.1 parser: how far a run of allowed bytes reaches.
//
// Each skip_* returns the first byte in [p, end) that is not of its class, or end. 16 bytes at a
// time with SSE2, which every x86-64 has; a table elsewhere and for the last bytes. Nothing outside
// [p, end) is read.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <string_view>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace roundhouse::http {

enum ByteClass : std::uint8_t {
  kTokenByte = 1,    // RFC 9110 5.6.2 tchar
  kTargetByte = 2,   // 0x21-0x7e without '#': what a request target may hold
  kValueByte = 4,    // HTAB, 0x20-0x7e, 0x80-0xff: what a field value may hold
  kRegNameByte = 8,  // RFC 3986 reg-name without its "%XX"
  kHexByte = 16,
};

consteval std::array<std::uint8_t, 256> make_byte_classes() {
  std::array<std::uint8_t, 256> classes{};
  const auto add = [&classes](std::string_view bytes, std::uint8_t bits) {
    for (const char c : bytes) classes[static_cast<unsigned char>(c)] |= bits;
  };
  for (unsigned c = 0; c < 256; ++c) {
    if (c == '\t' || (c >= 0x20 && c != 0x7f)) classes[c] |= kValueByte;
    if (c > 0x20 && c < 0x7f && c != '#') classes[c] |= kTargetByte;
  }
  add("0123456789", kTokenByte | kRegNameByte | kHexByte);
  add("abcdefABCDEF", kTokenByte | kRegNameByte | kHexByte);
  add("ghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ", kTokenByte | kRegNameByte);
  add("!#$%&'*+-.^_`|~", kTokenByte);
  add("-._~!$&'()*+,;=", kRegNameByte);
  return classes;
}
inline constexpr std::array<std::uint8_t, 256> kByteClasses = make_byte_classes();

inline bool is(ByteClass wanted, char c) {
  return (kByteClasses[static_cast<unsigned char>(c)] & wanted) != 0;
}

inline const char* skip(ByteClass wanted, const char* p, const char* end) {
  while (p != end && is(wanted, *p)) ++p;
  return p;
}

#ifdef __SSE2__
inline const char* first_set(const char* p, int mask) {
  return p + std::countr_zero(static_cast<unsigned>(mask));
}
#endif

// Names are nearly all letters and '-': these go 16 at a time, the other token bytes one by one.
inline const char* skip_token(const char* p, const char* end) {
#ifdef __SSE2__
  while (end - p >= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i lower = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
    const __m128i letter = _mm_and_si128(_mm_cmpgt_epi8(lower, _mm_set1_epi8('a' - 1)),
                                         _mm_cmplt_epi8(lower, _mm_set1_epi8('z' + 1)));
    const __m128i dash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-'));
    const int stop = _mm_movemask_epi8(_mm_or_si128(letter, dash)) ^ 0xffff;
    if (stop == 0) {
      p += 16;
      continue;
    }
    p = first_set(p, stop);
    if (!is(kTokenByte, *p)) return p;
    ++p;
  }
#endif
  return skip(kTokenByte, p, end);
}

inline const char* skip_target(const char* p, const char* end) {
#ifdef __SSE2__
  for (; end - p >= 16; p += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i low = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x21));  // signed: 0x80-0xff as well
    const __m128i other = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f)),
                                       _mm_cmpeq_epi8(bytes, _mm_set1_epi8('#')));
    const int stop = _mm_movemask_epi8(_mm_or_si128(low, other));
    if (stop != 0) return first_set(p, stop);
  }
#endif
  return skip(kTargetByte, p, end);
}

inline const char* skip_value(const char* p, const char* end) {
#ifdef __SSE2__
  for (; end - p >= 16; p += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
    const __m128i tab = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t'));
    const __m128i del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));
    const int stop = _mm_movemask_epi8(_mm_or_si128(_mm_andnot_si128(tab, control), del));
    if (stop != 0) return first_set(p, stop);
  }
#endif
  return skip(kValueByte, p, end);
}

inline bool is_token(std::string_view text) {
  const char* const begin = std::to_address(text.begin());
  const char* const end = begin + text.size();
  return begin != end && skip_token(begin, end) == end;
}
inline bool is_field_value(std::string_view text) {
  const char* const begin = std::to_address(text.begin());
  const char* const end = begin + text.size();
  return skip_value(begin, end) == end;
}

}  // namespace roundhouse::http
