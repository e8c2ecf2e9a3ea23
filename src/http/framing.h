// What the fields of a head say about its body and its connection (RFC 9112 6 and 9.3, RFC
// 9110 7.2, 8.6, 10.1.1).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "http/failure.h"
#include "http/message.h"

namespace roundhouse::http {

// Digits only: no sign, no list, no white space, at most 2^63 - 1.
std::optional<std::uint64_t> parse_content_length(std::string_view value);

// Sets body, keep_alive, expect_continue and, unless the target had one, authority. `otherwise`:
// how a body is framed whose head says nothing of it. REQUIRES: method, version, target and fields
// are set, and split_target() was called.
Failure frame_request(Request& request, Framing otherwise = Framing::kNone);

// Sets body and keep_alive; `asked` is the method of the request that this answers, `otherwise` as
// above. REQUIRES: status, version and fields are set.
Failure frame_response(Response& response, Method asked, Framing otherwise = Framing::kUntilClose);

// The fields that must not come as trailers (RFC 9110 6.5.1) because they frame or route the
// message.
Failure check_trailers(const FieldTable& trailers);

}  // namespace roundhouse::http
