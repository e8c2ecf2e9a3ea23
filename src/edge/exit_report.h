// What is told of an ended worker: the log line and the record on the board.
#pragma once

#include <sys/resource.h>

#include <string>
#include <string_view>

#include "edge/supervisor.h"
#include "ipc/board.h"
#include "ipc/slot.h"

namespace roundhouse::edge {

struct Death {
  std::string pool;
  std::string
      name;  // for the sentence: "worker 1", or "worker web/1" where there are several pools
  std::uint32_t worker;  // id
  pid_t pid;
  ExitStatus status;
  bool core_dumped;
  rusage usage;
  std::string why_not_ready = {};  // where the worker's protocol tells
  std::string probe_saw = {};      // of a program that failed those, the last
  std::string last_words = {};     // the end of its stderr; empty for built-in workers
  std::string_view hint = {};      // what these words mean, where that is known
};

// What wait(2) said.
ExitStatus exit_status_of(int wait_status);

// "12.4s", "350ms".
std::string brief(Duration duration);

ipc::ExitRecord make_exit_record(const Death& death, const Obituary& obituary,
                                 const ipc::Slot& slot);
// "killed by SIGSEGV: the last words of its stderr".
std::string loss_of(const Death& death, const Obituary& obituary);
// One event: "worker 1 (pid 72646) died: killed by SIGSEGV after 12.4s ready, serving GET /die;
// next start at once".
void log_exit(const Death& death, const Obituary& obituary, const ipc::ExitRecord& record);

}  // namespace roundhouse::edge
