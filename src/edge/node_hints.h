// What an operator can do about a Node program that does not work as a worker. Pure.
#pragma once

#include <string_view>

namespace roundhouse::edge {

// From the last lines that the program wrote to stderr; empty: nothing is known about it.
std::string_view node_hint(std::string_view last_stderr);

}  // namespace roundhouse::edge
