#include "config/substitution.h"

#include "config/values.h"

namespace roundhouse::config {
namespace {

// The inside of one ${...}.
std::expected<std::string, std::string> value_of(std::string_view inside,
                                                 const VariableLookup& lookup) {
  const auto separator = inside.find(":-");
  const std::string name(inside.substr(0, separator));
  if (!is_valid_variable_name(name)) {
    return std::unexpected(
        "has a ${} without a name; expected ${NAME}, ${NAME:-default}, or $${ for a literal ${");
  }
  auto value = lookup(name);
  if (separator == inside.npos) {
    if (!value)
      return std::unexpected("${" + name + "} is not set and has no default, as in ${" + name +
                             ":-default}");
    return *std::move(value);
  }
  if (value && !value->empty()) return *std::move(value);
  return std::string(inside.substr(separator + 2));
}

}  // namespace

std::expected<Substituted, std::string> substitute(std::string_view text,
                                                   const VariableLookup& lookup) {
  Substituted result;
  while (true) {
    const auto dollar = text.find('$');
    result.text += text.substr(0, dollar);
    if (dollar == text.npos) return result;
    text.remove_prefix(dollar);
    if (text.starts_with("$${")) {
      result.text += "${";
      text.remove_prefix(3);
    } else if (text.starts_with("${")) {
      const auto end = text.find('}');
      if (end == text.npos)
        return std::unexpected("has a ${ that is not closed; expected } (or $${ for a literal ${)");
      auto value = value_of(text.substr(2, end - 2), lookup);
      if (!value) return std::unexpected(value.error());
      result.text += *value;
      result.changed = true;
      text.remove_prefix(end + 1);
    } else {
      result.text += '$';
      text.remove_prefix(1);
    }
  }
}

}  // namespace roundhouse::config
