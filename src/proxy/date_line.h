// The Date of answers (RFC 9110 6.6.1), made once a second.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace roundhouse::proxy {

class DateLine {
 public:
  // A whole field line for now; valid until the next call.
  std::string_view text();

 private:
  std::string text_;
  std::int64_t second_ = -1;
};

}  // namespace roundhouse::proxy
