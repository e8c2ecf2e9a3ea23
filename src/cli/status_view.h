// What `roundhouse status` prints of the API's status (docs/api.md).
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"

namespace roundhouse::cli {

// Every pool as a table of its workers, below what is said of the instance and its listeners. `now`
// is Unix time. A member that is missing or of another type is shown as "-".
std::string status_text(const Json& status, double now);

// "POOL": that pool alone. "POOL/ID": how the last processes of that worker ended. Error: there is
// no such thing.
Result<std::string> status_text_of(const Json& status, std::string_view subject, double now);
// The same as JSON.
Result<Json> status_json_of(const Json& status, std::string_view subject);

}  // namespace roundhouse::cli
