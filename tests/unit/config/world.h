// What the tests of the configuration have instead of a machine.
#pragma once

#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

#include "config/loader.h"

namespace roundhouse::config {

inline Surroundings surroundings(std::map<std::string, std::string> variables = {}) {
  Surroundings result;
  result.cpus = 3;
  result.user = "nobody";
  result.variable =
      [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  return result;
}

inline Result<Loaded> load(std::string_view text, std::map<std::string, std::string> variables = {},
                           const Overrides& overrides = {}) {
  return load_text(text, "t.yaml", overrides, surroundings(std::move(variables)));
}

// What loading says; empty if it succeeds.
inline std::string errors_of(std::string_view text,
                             std::map<std::string, std::string> variables = {}) {
  const auto loaded = load(text, std::move(variables));
  return loaded ? "" : loaded.error().message;
}

// A file, and what loading says of it.
struct FileCase {
  const char* name;
  const char* file;
  const char* errors;
};
inline void PrintTo(const FileCase& test, std::ostream* out) {
  *out << test.name;
}  // NOLINT: GoogleTest's name

}  // namespace roundhouse::config
