#include "proxy/date_line.h"

#include <array>
#include <ctime>

#include "base/clock.h"

namespace roundhouse::proxy {

std::string_view DateLine::text() {
  const auto second = static_cast<std::time_t>(wall_clock_seconds());
  if (second != second_) {
    second_ = second;
    std::tm utc{};
    ::gmtime_r(&second, &utc);
    std::array<char, 64> text;
    text_.assign(text.data(), std::strftime(text.data(), text.size(),
                                            "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &utc));
  }
  return text_;
}

}  // namespace roundhouse::proxy
