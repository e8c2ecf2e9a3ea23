// CHECK: an invariant of ours is broken, so the process aborts; a worker is then replaced by the
// edge.
#pragma once

namespace roundhouse {

[[noreturn]] void check_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace roundhouse

#define CHECK(condition)                                          \
  do {                                                            \
    if (!(condition)) [[unlikely]]                                \
      ::roundhouse::check_failed(#condition, __FILE__, __LINE__); \
  } while (false)
