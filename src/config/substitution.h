// ${NAME}, ${NAME:-default} and the literal $${ in the texts of a configuration file.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace roundhouse::config {

// The value of an environment variable, none if it is not set.
using VariableLookup = std::function<std::optional<std::string>(const std::string& name)>;

struct Substituted {
  std::string text;
  bool changed = false;  // some of it came from a ${}: it may be a secret
};

// As in a shell, `:-` gives the default for an empty variable too. The default is taken as it is,
// up to the next '}'. The error says what is wrong with which variable, never a value.
std::expected<Substituted, std::string> substitute(std::string_view text,
                                                   const VariableLookup& lookup);

}  // namespace roundhouse::config
