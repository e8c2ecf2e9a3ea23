#include "monitor/http2_question.h"

#include <array>
#include <chrono>
#include <utility>

#include "base/check.h"

namespace roundhouse::monitor {
namespace {

const http::Field kFields[] = {{.name = "user-agent", .value = "roundhouse-health"},
                               {.name = "accept", .value = "*/*"}};

}  // namespace

Http2Question::Http2Question(const Parts& parts)
    : codec_(http::Http2Codec::Role::kClient, {}, heads_) {
  const http::Http2Stream* const stream = codec_.request({.method = "GET",
                                                          .scheme = parts.scheme,
                                                          .authority = parts.host,
                                                          .path = parts.path,
                                                          .fields = kFields,
                                                          .ended = true});
  CHECK(stream != nullptr);
  std::array<char, 1024> room;
  while (const std::size_t size = codec_.produce(room)) text_.append(room.data(), size);
}

std::optional<int> Http2Question::read(std::string_view bytes) {
  codec_.receive(bytes, std::chrono::steady_clock::now());
  std::optional<int> status;
  while (auto event = codec_.next_event()) {
    if (event->kind == http::Http2Event::Kind::kHead && !status) {
      http::Response response(http::HeadLimits{}.fields);
      const auto failure = http::read_response(*event->head, http::Method::kGet, response);
      const int said = failure == http::Failure::kNone ? response.status : 0;
      if (said == 0 || said >= 200) status = said;
    }
    if (event->kind == http::Http2Event::Kind::kClosed && !status) status = 0;
    if (event->head != nullptr) heads_.release(std::move(event->head));
  }
  std::array<char, 1024> unsent;  // nothing more is said: the answer is all that is wanted
  while (codec_.produce(unsent) > 0) {
  }
  if (!status && codec_.finished()) status = 0;
  return status;
}

}  // namespace roundhouse::monitor
