// Text as a scalar of a configuration file.
#pragma once

#include <string>
#include <string_view>

namespace roundhouse::config {

// Quoted where YAML would read something else; a literal ${ is written so that it stays one.
std::string yaml_scalar(std::string_view text);

}  // namespace roundhouse::config
