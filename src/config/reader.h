// From the tree of a document to a Configuration: every key and value is checked by its row in the
// table of options.
#pragma once

#include "config/document.h"
#include "config/options.h"
#include "config/provenance.h"
#include "config/substitution.h"

namespace roundhouse::config {

struct Reading {
  Configuration configuration;  // holds what was set; nothing is filled in yet
  Provenance provenance;
};

// Appends what is wrong, all of it, to `problems`. What was accepted is in the result even then, so
// that the checks that look at several values can go on.
Reading read_configuration(const Node& document, const VariableLookup& lookup, Problems& problems);

}  // namespace roundhouse::config
