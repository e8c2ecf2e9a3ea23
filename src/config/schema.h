// What is generated from the table of options for people and their editors.
#pragma once

#include <string>

namespace roundhouse::config {

// JSON Schema (draft 7) of a configuration file: conf/roundhouse.schema.json.
std::string to_schema();
// The reference page, Markdown: docs/configuration.md.
std::string to_reference();

}  // namespace roundhouse::config
