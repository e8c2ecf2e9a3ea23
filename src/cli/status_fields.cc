#include "cli/status_fields.h"

#include <algorithm>

namespace roundhouse::cli {

const Json& member(const Json& json, std::string_view key) {
  static const Json kNone;
  if (!json.is_object()) return kNone;
  const auto found = json.find(key);
  return found == json.end() ? kNone : *found;
}

std::string plain(const Json& json) {
  if (json.is_string()) {
    std::string text = json.get<std::string>();
    std::ranges::replace_if(
        text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; }, '?');
    return text;
  }
  return json.is_null() ? "-" : to_text(json);
}

std::string text(const Json& json, std::string_view key) { return plain(member(json, key)); }

std::optional<double> number(const Json& json, std::string_view key) {
  const Json& value = member(json, key);
  return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}
bool is_true(const Json& json, std::string_view key) {
  const Json& value = member(json, key);
  return value.is_boolean() && value.get<bool>();
}
std::string shown(const Json& json, std::string_view key, std::string (*form)(double)) {
  const auto value = number(json, key);
  return value ? form(*value) : "-";
}

}  // namespace roundhouse::cli
