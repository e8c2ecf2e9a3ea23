// Failures of set-up (configuration, bind, exec), passed up as values and printed once by main.
//
// Traffic never travels through here: what a client can cause is a row of a failure table, counted,
// never a string.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace roundhouse {

// The exit codes of the program (sysexits.h where it has one).
enum class ExitCode : int {
  kOk = 0,
  kFailure = 1,        // anything else, for example: every worker of a pool failed at first start
  kUsage = 64,         // wrong flags
  kSystem = 71,        // the operating system said no: port in use, no permission, no memory
  kConfiguration = 78  // the configuration is wrong
};

struct Error {
  std::string message;  // the operator's words: "bind 0.0.0.0:443: Permission denied"
  ExitCode code = ExitCode::kSystem;
  int system_errno = 0;  // the errno behind it, 0 if there is none
};

template <typename T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(std::string message, ExitCode code = ExitCode::kFailure) {
  return std::unexpected(Error{std::move(message), code});
}

// "what: strerror(number)".
std::unexpected<Error> fail_errno(std::string_view what, int number);

}  // namespace roundhouse

// The value of a Result, or return its error from the calling function (a GNU statement
// expression).
#define TRY(expression)                                                     \
  __extension__({                                                           \
    auto&& try_result = (expression);                                       \
    if (!try_result) return std::unexpected(std::move(try_result).error()); \
    std::move(try_result).value();                                          \
  })

// The same for a Result<void>.
#define TRY_VOID(expression)                                                \
  do {                                                                      \
    auto&& try_result = (expression);                                       \
    if (!try_result) return std::unexpected(std::move(try_result).error()); \
  } while (false)
