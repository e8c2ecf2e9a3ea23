// A file of environment variables: NAME=value lines, as docker and systemd read them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/options.h"

namespace roundhouse::config {

inline constexpr std::size_t kMaxEnvFileBytes = 256 * 1024;

// Empty lines and lines that begin with # are skipped, `export ` before a name is too. Blanks
// around a value and one pair of quotes around it are taken off; nothing in it is expanded. A name
// set twice has its last value. `name` begins the error: "app.env:3: ..."; a value is never in it.
Result<std::vector<Variable>> parse_env_file(std::string_view text, const std::string& name);

// `over` wins; the order is that of `under`, then what only `over` has.
std::vector<Variable> merged(std::vector<Variable> under, const std::vector<Variable>& over);

}  // namespace roundhouse::config
