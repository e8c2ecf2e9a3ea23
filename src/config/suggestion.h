// "did you mean": the known word nearest to a mistyped one.
#pragma once

#include <span>
#include <string_view>

namespace roundhouse::config {

// The candidate with the fewest edits (a letter more, less, other, or two swapped) from `word`;
// empty if none is near.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace roundhouse::config
