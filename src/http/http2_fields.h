// A head that a HeadWriter has made, for HTTP/2: what is written once is right for both.
#pragma once

#include <string_view>
#include <vector>

#include "http/message.h"

namespace roundhouse::http {

// The fields behind the first line of `head`, which ends with its empty line, without those that
// steer one connection of HTTP/1.1 (RFC 9113 8.2.2). Returns that line. The views are into `head`.
std::string_view split_head(std::string_view head, std::vector<Field>& fields);

}  // namespace roundhouse::http
