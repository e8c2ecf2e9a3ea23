// Members of the API's answers as they are shown: nothing is taken for granted of what was sent.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace roundhouse::cli {

// null where there is none.
const Json& member(const Json& json, std::string_view key);
// Text for a terminal: whatever was sent, nothing in it moves the cursor. "-": null.
std::string plain(const Json& json);
std::string text(const Json& json, std::string_view key);
std::optional<double> number(const Json& json, std::string_view key);
bool is_true(const Json& json, std::string_view key);
// A number in this form, or "-".
std::string shown(const Json& json, std::string_view key, std::string (*form)(double));

}  // namespace roundhouse::cli
