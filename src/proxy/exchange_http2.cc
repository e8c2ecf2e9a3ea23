// The way of a request, and of its answer, over HTTP/2.
#include <algorithm>
#include <utility>

#include "http/http2_fields.h"
#include "proxy/exchange.h"

namespace roundhouse::proxy {
namespace {

bool takes_trailers(const http::Request& request) {
  const auto te = request.fields.find("te");
  return request.version == http::Version::kHttp2 && te && *te == "trailers";
}

http::Failure failure_of(http::Http2Error error) {
  switch (error) {
    case http::Http2Error::kRefusedStream:
      return http::Failure::kStreamRefused;
    case http::Http2Error::kProtocol:  // our own verdict, mostly
      return http::Failure::kBadResponse;
    default:
      return http::Failure::kUpstreamClosed;
  }
}

}  // namespace

void UpstreamExchange::on_call(std::unique_ptr<upstream::Http2Call> call) {
  call_ = std::move(call);
  call_->set_user(this);
  begin_try(call_->endpoint());
  send_head();
  if (!inside_ && state_ != State::kConnecting) plan_.client.resume();
}

// The text is what an endpoint of HTTP/1.1 would get.
void UpstreamExchange::send_head_on_call(std::string_view text) {
  std::vector<http::Field>& fields = host_.fields;
  const std::string_view line = http::split_head(text, fields);
  http::Http2Codec::RequestHead head{};
  head.method = line.substr(0, line.find(' '));
  head.path = line.substr(head.method.size() + 1, line.rfind(' ') - head.method.size() - 1);
  const auto host = std::ranges::find(fields, http::FieldId::kHost, &http::Field::id);
  if (host != fields.end()) {
    head.authority = host->value;
    fields.erase(host);
  }
  if (takes_trailers(plan_.client.request())) fields.push_back({.name = "te", .value = "trailers"});
  head.fields = fields;
  head.ended = !has_request_body();
  if (!call_->start(head)) {
    fail(http::Failure::kStreamRefused);
    return;
  }
  set_deadline();
}

void UpstreamExchange::end_call(const http::FieldTable& trailers) {
  std::vector<http::Field>& fields = host_.fields;
  fields.clear();
  for (std::size_t i = 0; i < trailers.size(); ++i)
    if (plan_.source->passes_trailer(trailers[i])) fields.push_back(trailers[i]);
  call_->end(fields);
}

// Who has left a call hears no more of it.
void UpstreamExchange::resume_if_left() {
  if (call_ == nullptr && !inside_ && state_ != State::kConnecting) plan_.client.resume();
}

void UpstreamExchange::on_call_head(http::Http2Head& head) {
  {
    const Inside inside(*this);
    take_head(head);
  }
  resume_if_left();
}

void UpstreamExchange::take_head(http::Http2Head& head) {
  got_bytes_ = true;
  last_moved_ = host_.loop.now();
  http::Response& response = space_->response;
  const http::Method asked = plan_.client.request().method;
  if (http::read_response(head, asked, response) != http::Failure::kNone ||
      response.status == 101) {
    fail(http::Failure::kBadResponse);
  } else if (response.status < 200) {
    pass_interim();
  } else {
    begin_answer();
  }
}

std::size_t UpstreamExchange::on_call_data(std::string_view data) {
  if (state_ != State::kAnswering) return data.size();
  const std::size_t taken = plan_.client.answer().write(data);
  last_moved_ = host_.loop.now();
  result_.body_bytes += taken;
  blocked_ = taken < data.size();
  return taken;
}

bool UpstreamExchange::on_call_end(http::FieldTable& trailers) {
  if (state_ != State::kAnswering) return true;
  trailers.remove_if(
      [this](const http::Field& field) { return !plan_.source->passes_answer_trailer(field); });
  Answer& answer = plan_.client.answer();
  if (!answer.end(&trailers) && !answer.end()) {
    blocked_ = true;
    return false;
  }
  leave_connection({.failed = space_->response.status >= 500});
  finish(http::Failure::kNone);
  resume_if_left();
  return true;
}

void UpstreamExchange::on_call_closed(http::Http2Error error) {
  {
    const Inside inside(*this);
    if (state_ == State::kAwaiting) {
      fail(failure_of(error));
    } else if (state_ == State::kAnswering) {
      leave_connection({.failed = true});
      finish(http::Failure::kTruncatedBody);
      plan_.client.abort();
    }
  }
  resume_if_left();
}

void UpstreamExchange::on_call_turn_over() {
  if (state_ != State::kOver) set_deadline();
  if (!inside_ && state_ != State::kConnecting) plan_.client.resume();
}

}  // namespace roundhouse::proxy
