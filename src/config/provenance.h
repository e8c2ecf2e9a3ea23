// Where each value of a configuration came from.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "config/document.h"

namespace roundhouse::config {

struct Source {
  enum class From : std::uint8_t {
    kDefault,      // of the table
    kDerived,      // from other values or the machine: `name` says how
    kFile,         // at `at`
    kEnvironment,  // the variable `name`
    kFlag          // the flag `name`
  };
  From from = From::kDefault;
  Position at;
  std::string name;
  bool secret = false;   // shown as ***
  bool refused = false;  // written, and wrong: the value is still the default
};

// By full key, as in "pools.app.workers"; "pools.app" is where that pool begins. A key that is
// absent has its default.
using Provenance = std::map<std::string, Source, std::less<>>;

// "pools.app" and "workers"; either may be empty.
std::string joined(std::string_view path, std::string_view key);
// "default", "roundhouse.yaml:3", "ROUNDHOUSE_SCHED_POLICY", "--policy", or how it was derived.
std::string describe(const Source& source, const std::string& file);

}  // namespace roundhouse::config
