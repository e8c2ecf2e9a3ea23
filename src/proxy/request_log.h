// What the connections of every protocol tell of the requests on them: while one is in progress,
// and in the access log when it is over.
#pragma once

#include <cstdint>
#include <string_view>

#include "http/message.h"
#include "ipc/messages.h"
#include "ipc/slot.h"
#include "net/event_loop.h"
#include "net/tls_facts.h"
#include "proxy/access_log.h"
#include "proxy/access_record.h"
#include "proxy/answer.h"

namespace roundhouse::proxy {

// Counted, and named to who asks what a worker does, while this lives.
class RequestInProgress {
 public:
  // The slot must outlive it.
  RequestInProgress(ipc::Slot& slot, const http::Request& request, const ipc::ConnectionInfo& info);
  RequestInProgress(const RequestInProgress&) = delete;
  RequestInProgress& operator=(const RequestInProgress&) = delete;
  ~RequestInProgress();

 private:
  ipc::Slot& slot_;
  ipc::InFlightText* text_;
};

// What a record says of a request whose head was read.
void describe_request(const http::Request& request, const AccessLog& log, AccessRecord& record);

// The connection that a request came on, and what became of it there.
struct RequestEnd {
  const ipc::ConnectionInfo& connection;
  const TlsFacts* tls;  // nullptr: plain text
  std::string_view listener;
  std::uint32_t connection_requests;
  const Answer& answer;
  Duration took;
};
// Completes the record and logs it.
void log_request(AccessLog& log, AccessRecord& record, const RequestEnd& end);

}  // namespace roundhouse::proxy
