// The one normal form of a path, for comparing it with those of an operator (RFC 3986 6.2.2). Only
// for that: what is forwarded is the path as it was sent.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace roundhouse::http {

// Merges slashes, removes "." and ".." segments, however they are encoded, decodes unreserved
// characters and writes the other escapes in upper case. An escaped slash stays escaped: it is part
// of a segment and never becomes a separator.
//
// Nothing if the path is to be refused (400): an escape that is none, an escaped NUL, CR or LF, or
// a
// ".." that leaves the root. `out` holds the answer.
// REQUIRES: path begins with '/' and holds no query; out has room for path.size() bytes.
std::optional<std::string_view> normalise_path(std::string_view path, std::span<char> out);

}  // namespace roundhouse::http
