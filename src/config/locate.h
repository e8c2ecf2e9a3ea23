// Which configuration file is meant: -c, $ROUNDHOUSE_CONFIG, ./roundhouse.yaml,
// /etc/roundhouse/roundhouse.yaml, or none.
#pragma once

#include <functional>
#include <string>

#include "config/substitution.h"

namespace roundhouse::config {

struct Location {
  std::string path;      // empty: no file, the built-in default
  std::string found_by;  // "-c", "ROUNDHOUSE_CONFIG", "the working directory", "/etc/roundhouse",
                         // "the default"
};

// Named by flag or variable, a file need not exist (loading it then fails); the others are taken if
// `exists` says so.
Location locate_configuration(const std::string& flag, const VariableLookup& variable,
                              const std::function<bool(const std::string& path)>& exists);
// In the environment and file system of this process.
Location locate_configuration(const std::string& flag);

}  // namespace roundhouse::config
