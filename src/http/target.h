// Request targets and hosts (RFC 9112 3.2, RFC 3986): validated and taken apart, never decoded or
// normalised.
#pragma once

#include <string_view>

#include "http/failure.h"
#include "http/message.h"

namespace roundhouse::http {

// host [":" port]: a reg-name, an IPv4 address or "[" IPv6 "]"; no user information; a port of at
// most 65535.
bool is_host(std::string_view text);

// Fills form, path, query and, where the target has one, authority from request.target and
// request.method. REQUIRES: every byte of the target is a kTargetByte.
Failure split_target(Request& request);

}  // namespace roundhouse::http
