// What a session tells the access log.

#include "proxy/access_text.h"
#include "proxy/server.h"
#include "proxy/session.h"

namespace roundhouse::proxy {

AccessRecord* Session::record() const {
  return server_.parts_.access_log == nullptr ? nullptr : &work_->record;
}

void Session::log_request() {
  AccessRecord& record = work_->record;
  describe_request(work_->request, *server_.parts_.access_log, record);
  const bool cut = !work_->answer.done();
  // A tunnel has no other end than that somebody leaves.
  if (cut && record.failure == http::Failure::kNone && !aborted_ && !tunnel_)
    record.failure = http::Failure::kClientGone;
  log(record, requests_);
}

// Of bytes that are no request, or not yet a whole one.
void Session::log_refusal(http::Failure failure) {
  if (server_.parts_.access_log == nullptr) return;
  AccessRecord& record = work_->record;
  record.start();
  const std::string_view received = work_->input.bytes();
  // Some clients send an empty line behind a request.
  if (failure == http::Failure::kClientGone && received.find_first_not_of("\r\n") == received.npos)
    return;
  const RequestLine line = guess_request_line(received);
  record.method = line.method;
  record.target = line.target;
  record.path = line.target.substr(0, line.target.find_first_of("?#"));
  record.protocol = line.protocol;
  record.failure = failure;
  log(record, requests_ + 1);
}

void Session::log(AccessRecord& record, std::uint32_t requests) {
  proxy::log_request(*server_.parts_.access_log, record,
                     {.connection = info_,
                      .tls = tls_.get(),
                      .listener = listener().name,
                      .connection_requests = requests,
                      .answer = work_->answer,
                      .took = loop().now() - entered_});
}

}  // namespace roundhouse::proxy
