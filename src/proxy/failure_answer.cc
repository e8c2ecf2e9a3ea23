#include "proxy/failure_answer.h"

#include <algorithm>
#include <chrono>

#include "http/message.h"

namespace roundhouse::proxy {
namespace {

bool may_pass(int status) { return status == 429 || (status >= 502 && status <= 504); }

}  // namespace

std::string failure_text(http::Failure failure) {
  const http::FailureRow& row = http::row_of(failure);
  std::string text = std::to_string(row.status);
  text.append(" ").append(http::reason_phrase(row.status)).append(": ").append(row.text);
  return text.append("\n");
}

bool answer_failure(Answer& answer, http::Failure failure, Duration retry_after) {
  const int status = http::row_of(failure).status;
  std::string lines = "Content-Type: text/plain\r\n";
  if (may_pass(status)) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(retry_after).count();
    lines.append("Retry-After: ").append(std::to_string(std::max<std::int64_t>(seconds, 1)));
    lines.append("\r\n");
  }
  return answer.respond(status, lines, failure_text(failure));
}

}  // namespace roundhouse::proxy
