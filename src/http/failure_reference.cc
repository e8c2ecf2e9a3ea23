#include "http/failure_reference.h"

#include <string_view>

#include "http/failure.h"
#include "http/message.h"

namespace roundhouse::http {
namespace {

constexpr std::string_view kIntroduction = R"(# Failures

This page is generated from the table in `src/http/failure.cc`: `./dev generate` writes it anew.

Each way in which a request can fail has a name: the access log and the metrics say it. What the client reads is the
status, and one sentence that holds nothing of what it sent. 429, 502, 503 and 504 come with `Retry-After`. After a
failure in the message itself the connection is closed, since nobody knows where the next message would begin.

A failure on the way back, once the answer has begun, cannot be told with a status: the connection is reset, so that
the client can see that what it got is not whole. The access log then has this name beside the status that was sent.

)";

// Whose fault it is, which is how operators look for one.
std::string_view chapter_of(Failure failure) {
  if (failure < Failure::kBadPath) return "Of the request";
  if (failure < Failure::kBadStatusLine) return "By what is configured";
  return failure < Failure::kClientGone ? "Of the upstream" : "Of the client";
}

}  // namespace

std::string failure_reference() {
  std::string page(kIntroduction);
  std::string_view chapter;
  for (std::size_t i = 1; i < kFailureCount; ++i) {
    const FailureRow& row = row_of(static_cast<Failure>(i));
    if (chapter != chapter_of(row.failure)) {
      page += chapter.empty() ? "## " : "\n## ";
      chapter = chapter_of(row.failure);
      page.append(chapter).append("\n\n| name | status | what the client reads |\n|---|---|---|\n");
    }
    page.append("| `").append(row.name).append("` | ").append(std::to_string(row.status));
    const std::string_view phrase = row.status == 499 ? "in the log" : reason_phrase(row.status);
    page.append(" ").append(phrase).append(" | ").append(row.text).append(" |\n");
  }
  return page;
}

}  // namespace roundhouse::http
