#include "base/error.h"

#include <cstring>

namespace roundhouse {

std::unexpected<Error> fail_errno(std::string_view what, int number) {
  std::string message(what);
  message += ": ";
  message += std::strerror(number);
  return std::unexpected(Error{std::move(message), ExitCode::kSystem, number});
}

}  // namespace roundhouse
