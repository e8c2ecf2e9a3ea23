// Which requests a browser may have been made to send: what a page of somebody else's can do to a
// monitor that its visitor can reach.
//
// By DNS rebinding a page reaches us under a name of its own, so a request must name us by an
// address, as `localhost`, or by one of `monitor.allowed_hosts`. And what such a page sends across
// origins (RFC 6454) says so in `Origin`.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace roundhouse::monitor {

// Why not; empty if it may be answered. `host`, `origin`: the fields, empty where there are none.
std::string refusal_of(std::string_view host, std::string_view origin,
                       std::span<const std::string> allowed_hosts);

}  // namespace roundhouse::monitor
