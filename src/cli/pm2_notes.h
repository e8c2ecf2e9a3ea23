// The keys of a PM2 app that nothing of ours is equal to, and what an operator does instead.
#pragma once

#include <string_view>

#include "base/json.h"

namespace roundhouse::cli {

// Empty: there is nothing to say, since this value asks for nothing.
std::string_view pm2_note(std::string_view key, const Json& value);

}  // namespace roundhouse::cli
