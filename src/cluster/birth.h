// Whether this process is a worker of a primary. Decided before main.
#pragma once

#include "ipc/heritage.h"

namespace roundhouse::membership {

// The variable that makes the difference; its value is the worker's id.
inline constexpr const char* kIdVariable = "ROUNDHOUSE_CLUSTER_ID";

struct Birth {
  bool is_worker = false;
  int id = 0;
  ipc::Heritage heritage;  // of a worker, until its Member takes it
};

// The primary has been told that the library is there. A process that has the variable and not what
// belongs to it exits 71, having said so.
Birth& birth();

}  // namespace roundhouse::membership
