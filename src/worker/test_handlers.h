// What a hello worker does on request, so that tests can see how the rest copes:
//
//   /die[?signal=ABRT|BUS|FPE|ILL|KILL|SEGV|TERM][&exit=N]  ends the process; SIGSEGV by a write to
//   nowhere /sleep?ms=N   answers after N ms, serving others meanwhile /spin?ms=N    answers after
//   N ms of blocking the loop /bytes?n=N    answers N bytes /echo         answers the body that it
//   is sent: chunked, with its trailers, if the request was
#pragma once

#include <memory>
#include <string_view>

#include "proxy/handler.h"

namespace roundhouse::worker {

// nullptr with client.answer().done(): answered. nullptr without: none of these paths. `lines` go
// into each head.
std::unique_ptr<proxy::Exchange> answer_test_path(proxy::Client& client, std::string_view lines);

}  // namespace roundhouse::worker
