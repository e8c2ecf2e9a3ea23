// Answers that a route gives by itself: redirects and fixed texts.
#pragma once

#include <memory>
#include <optional>

#include "proxy/handler.h"
#include "proxy/request_facts.h"
#include "proxy/router.h"

namespace roundhouse::proxy {

// None: its head is too long, and another answer may begin. nullptr: all of it has been given to
// the client's answer. Else the rest follows as there is room. REQUIRES: the route has no upstream;
// it outlives the answer.
std::optional<std::unique_ptr<Exchange>> answer_fixed(Client& client, const PreparedRoute& route,
                                                      const RequestFacts& facts);

}  // namespace roundhouse::proxy
