#include "edge/descriptor_budget.h"

#include <sys/resource.h>

#include <algorithm>

namespace roundhouse::edge {

std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

std::uint32_t depth_that_fits(std::uint32_t wanted, std::uint64_t limit, std::size_t workers) {
  const std::uint64_t others = kOwnDescriptors + kDescriptorsOfWorker * workers;
  const std::uint64_t fits = limit > others ? (limit - others) / workers : 0;
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(fits, 1, wanted));
}

}  // namespace roundhouse::edge
