#include "config/env_file.h"

#include <algorithm>

#include "config/values.h"

namespace roundhouse::config {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

void set(std::vector<Variable>& variables, const Variable& variable) {
  const auto found = std::ranges::find(variables, variable.name, &Variable::name);
  if (found == variables.end()) {
    variables.push_back(variable);
  } else {
    found->value = variable.value;
  }
}

}  // namespace

Result<std::vector<Variable>> parse_env_file(std::string_view text, const std::string& name) {
  std::vector<Variable> variables;
  for (int number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    std::string_view line = trimmed(text.substr(0, end));
    text = end == text.npos ? std::string_view() : text.substr(end + 1);
    if (line.empty() || line.front() == '#') continue;
    if (line.starts_with("export ")) line = trimmed(line.substr(7));
    const auto equals = line.find('=');
    const std::string_view key = trimmed(line.substr(0, equals));
    if (equals == line.npos || !is_valid_variable_name(key) || line.find('\0') != line.npos) {
      return fail(name + ":" + std::to_string(number) + ": is not NAME=value",
                  ExitCode::kConfiguration);
    }
    std::string_view value = trimmed(line.substr(equals + 1));
    const bool is_quoted = value.size() >= 2 && value.front() == value.back() &&
                           (value.front() == '"' || value.front() == '\'');
    if (is_quoted) value = value.substr(1, value.size() - 2);
    set(variables, {std::string(key), std::string(value)});
  }
  return variables;
}

std::vector<Variable> merged(std::vector<Variable> under, const std::vector<Variable>& over) {
  for (const Variable& variable : over) set(under, variable);
  return under;
}

}  // namespace roundhouse::config
