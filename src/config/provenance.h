// Where each value of a configuration came from.
#pragma once

#include <cstdint>
#include <map>
#include <string>

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
  bool secret = false;  // shown as ***
};

// By full key, as in "pools.app.workers"; "pools.app" is where that pool begins. A key that is
// absent has its default.
using Provenance = std::map<std::string, Source, std::less<>>;

}  // namespace roundhouse::config
