#include "config/yaml_scalar.h"

#include <algorithm>

namespace roundhouse::config {
namespace {

bool is_plain(std::string_view text) {
  if (text.empty() || text == "null" || text.back() == ':') return false;
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  if (!letter(text.front()) && text.front() != '/' && text.front() != '.') return false;
  return std::ranges::all_of(
      text, [&](char c) { return letter(c) || std::string_view("_./:@-+=").contains(c); });
}

}  // namespace

std::string yaml_scalar(std::string_view text) {
  if (is_plain(text)) return std::string(text);
  static constexpr char kHex[] = "0123456789abcdef";
  std::string result = "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (static_cast<unsigned char>(c) < ' ' || c == 127) {
      result += "\\x";
      result += kHex[static_cast<unsigned char>(c) >> 4];
      result += kHex[c & 15];
    } else {
      if (text.substr(i).starts_with("${")) result += '$';
      result += c;
    }
  }
  return result += '"';
}

}  // namespace roundhouse::config
