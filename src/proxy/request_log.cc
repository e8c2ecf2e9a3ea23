#include "proxy/request_log.h"

#include <algorithm>
#include <array>
#include <utility>

namespace roundhouse::proxy {
namespace {

// It is copied, and cut shorter still in the line.
constexpr std::size_t kRequestIdKept = 256;

// "GET /die from 127.0.0.1", without the query, which may hold secrets.
std::string_view describe(const http::Request& request, const ipc::ConnectionInfo& info,
                          std::array<char, ipc::kInFlightText>& text) {
  std::size_t size = 0;
  const auto put = [&](std::string_view part) {
    size += part.substr(0, text.size() - size).copy(text.data() + size, text.size() - size);
  };
  put(request.method_name.substr(0, 16));
  put(" ");
  put(request.path.substr(0, 60));
  put(" from ");
  put(ipc::peer_of(info).host());
  return {text.data(), size};
}

std::string_view text_of(http::Version version) {
  switch (version) {
    case http::Version::kHttp10:
      return "HTTP/1.0";
    case http::Version::kHttp11:
      return "HTTP/1.1";
    case http::Version::kHttp2:
      return "HTTP/2.0";
  }
  std::unreachable();
}

}  // namespace

RequestInProgress::RequestInProgress(ipc::Slot& slot, const http::Request& request,
                                     const ipc::ConnectionInfo& info)
    : slot_(slot) {
  std::array<char, ipc::kInFlightText> text;
  text_ = ipc::claim_in_flight(slot, describe(request, info, text));
  ipc::increment(slot.requests_in_flight);
  ipc::add(slot.requests_total);
}

RequestInProgress::~RequestInProgress() {
  ipc::release_in_flight(text_);
  ipc::decrement(slot_.requests_in_flight);
}

void describe_request(const http::Request& request, const AccessLog& log, AccessRecord& record) {
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
}

void log_request(AccessLog& log, AccessRecord& record, const RequestEnd& end) {
  record.connection = &end.connection;
  record.tls = end.tls;
  record.listener = end.listener;
  record.connection_requests = end.connection_requests;
  // What a request whose client has left would have got.
  record.status = http::row_of(record.failure).status;
  record.response_bytes = 0;
  if (end.answer.begun()) {
    record.status = end.answer.status();
    record.response_bytes = end.answer.body_bytes();
  }
  record.duration = std::max(end.took, Duration::zero());
  log.add(record);
}

}  // namespace roundhouse::proxy
