// What a session tells the access log.
#include <algorithm>

#include "proxy/access_text.h"
#include "proxy/server.h"
#include "proxy/session.h"

namespace roundhouse::proxy {
namespace {

// It is copied, and cut shorter still in the line.
constexpr std::size_t kRequestIdKept = 256;

std::string_view text_of(http::Version version) {
  return version == http::Version::kHttp10 ? "HTTP/1.0" : "HTTP/1.1";
}

}  // namespace

AccessRecord* Session::record() const {
  return server_.parts_.access_log == nullptr ? nullptr : &work_->record;
}

void Session::log_request() {
  const AccessLog& log = *server_.parts_.access_log;
  const http::Request& request = work_->request;
  AccessRecord& record = work_->record;
  const auto field = [&](config::AccessField wanted, std::string_view name) {
    return log.wants(wanted) ? request.fields.find(name).value_or("") : std::string_view();
  };
  record.method = request.method_name;
  record.host = request.authority;
  record.target = request.target;
  record.path = request.path;
  record.protocol = text_of(request.version);
  record.user_agent = field(config::AccessField::kUserAgent, "User-Agent");
  record.referer = field(config::AccessField::kReferer, "Referer");
  if (record.request_id.empty())
    record.request_id =
        field(config::AccessField::kRequestId, "X-Request-Id").substr(0, kRequestIdKept);
  record.connection_requests = requests_;
  const bool cut = !work_->answer.done();
  // A tunnel has no other end than that somebody leaves.
  if (cut && record.failure == http::Failure::kNone && !aborted_ && !tunnel_)
    record.failure = http::Failure::kClientGone;
  this->log(record);
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
  record.connection_requests = requests_ + 1;
  record.failure = failure;
  log(record);
}

void Session::log(AccessRecord& record) {
  const Answer& answer = work_->answer;
  record.connection = &info_;
  record.tls = tls_.get();
  record.listener = listener().name;
  // What a request whose client has left would have got.
  record.status = http::row_of(record.failure).status;
  record.response_bytes = 0;
  if (answer.begun()) {
    record.status = answer.status();
    record.response_bytes = answer.body_bytes();
  }
  record.duration = std::max(loop().now() - entered_, Duration::zero());
  server_.parts_.access_log->add(record);
}

}  // namespace roundhouse::proxy
