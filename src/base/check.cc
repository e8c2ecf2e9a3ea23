#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace roundhouse {

void check_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "level=error event=check_failed at=%s:%d condition=\"%s\"\n", file, line,
               condition);
  std::abort();
}

}  // namespace roundhouse
