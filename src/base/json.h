// JSON values, in the order in which they were written. The one door to nlohmann-json, which
// throws: what reads or writes text from elsewhere goes through the functions below.
#pragma once

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace roundhouse {

using Json = nlohmann::ordered_json;

// None if it is not JSON.
std::optional<Json> parse_json(std::string_view text);

// Never fails: bytes that are not UTF-8 become U+FFFD. `indent` -1: on one line.
std::string to_text(const Json& json, int indent = -1);

// What `read` makes of a value by at() and get(). None: a part is missing, or of another type.
template <typename Read>
auto read_json(const Json& json, Read read) -> std::optional<decltype(read(json))> {
  try {
    return read(json);
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

// null if there is none.
template <typename T>
Json json_or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

}  // namespace roundhouse
