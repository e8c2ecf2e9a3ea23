// What a client reads when its request cannot be served.
#pragma once

#include <string>

#include "base/clock.h"
#include "http/failure.h"
#include "proxy/answer.h"

namespace roundhouse::proxy {

// "502 Bad Gateway: The upstream cannot be reached.\n"
std::string failure_text(http::Failure failure);

// The whole answer, with Retry-After where trying again makes sense (429, 502, 503, 504). False: no
// room. REQUIRES: !answer.begun().
bool answer_failure(Answer& answer, http::Failure failure, Duration retry_after);

}  // namespace roundhouse::proxy
