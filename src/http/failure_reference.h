// The page docs/failures.md, made from the table of failures.
#pragma once

#include <string>

namespace roundhouse::http {

std::string failure_reference();

}  // namespace roundhouse::http
