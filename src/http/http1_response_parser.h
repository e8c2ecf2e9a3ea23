// The head of an HTTP/1.1 or HTTP/1.0 response, as strictly as a request: upstream bytes are
// hostile too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/failure.h"
#include "http/field_parser.h"
#include "http/message.h"

namespace roundhouse::http {

// One per connection; as RequestParser. Interim responses (1xx) are heads like any other: the
// caller counts them, bounds their number, and starts again. The failure's status is what that byte
// would earn in a request; what is owed to a client for a bad upstream is always 502.
class ResponseParser {
 public:
  explicit ResponseParser(const HeadLimits& limits);

  // A new response begins; `asked` is the method of the request that it answers.
  void start(Method asked);
  bool started() const { return position_ != 0; }

  // As RequestParser::parse.
  Parse parse(std::string_view received, Response& response);

  Failure failure() const { return failure_; }

 private:
  enum class State : std::uint8_t { kStatus, kReason, kLineFeed, kFields };

  Parse parse_line(std::string_view bytes, Response& response);
  Parse fail(Failure failure) {
    failure_ = failure;
    return Parse::kFailed;
  }

  HeadLimits limits_;
  Method asked_ = Method::kGet;
  State state_ = State::kStatus;
  Failure failure_ = Failure::kNone;
  std::size_t position_ = 0;
  std::size_t reason_end_ = 0;
  FieldParser field_parser_;
};

}  // namespace roundhouse::http
