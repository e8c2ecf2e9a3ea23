// What the built-in workers write the access log to. Opened by the edge, which may do so where they
// may not, and given to them.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/unique_fd.h"
#include "config/options.h"

namespace roundhouse::edge {

// Somebody writes one.
bool has_access_log(const config::Configuration& configuration);

// stdout or stderr: no file of its own, so there is nothing to open anew.
bool is_standard_output(std::string_view to);

// stdout, stderr, or the path of a file, which is appended to and made (0640) if it is not there.
// The workers must never wait for it, and O_NONBLOCK belongs to what others share with us as well:
// a pipe or terminal is opened anew where that is allowed, else the workers ask before they write.
// Error: "access log /var/log/x: Permission denied".
Result<UniqueFd> open_access_log(const std::string& to);

}  // namespace roundhouse::edge
