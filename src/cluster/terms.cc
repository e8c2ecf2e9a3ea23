#include "cluster/terms.h"

#include <cinttypes>
#include <cstdio>

namespace roundhouse::membership {

std::string Terms::text() const {
  return std::to_string(worker_connections) + " " + std::to_string(drain.count()) + " " +
         std::to_string(heartbeat.count());
}

Result<Terms> Terms::parse(const std::string& text) {
  Terms terms;
  std::int64_t drain = 0;
  std::int64_t heartbeat = 0;
  const int found = std::sscanf(text.c_str(), "%" SCNu32 " %" SCNd64 " %" SCNd64,
                                &terms.worker_connections, &drain, &heartbeat);
  if (found != 3 || drain < 0 || heartbeat <= 0)
    return fail("the primary's terms are malformed: '" + text + "'", ExitCode::kSystem);
  terms.drain = Duration(drain);
  terms.heartbeat = Duration(heartbeat);
  return terms;
}

}  // namespace roundhouse::membership
