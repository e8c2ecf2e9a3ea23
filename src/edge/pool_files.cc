// What workers that run are given anew: the file of the access log, certificates.
#include "edge/pool.h"

namespace roundhouse::edge {

void Pool::set_access_log(int fd) {
  if (setting().access_log < 0) return;
  current_->setting.access_log = fd;
  for (const std::size_t place : used_)
    places_[place].wants_access_log = places_[place].handle->pid() != 0;
  hand_out_files();
}

void Pool::set_tls(int fd) {
  current_->setting.tls = fd;
  for (const std::size_t place : used_)
    places_[place].wants_tls = places_[place].handle->pid() != 0;
  hand_out_files();
}

// To one whose channel is full at a later tick.
void Pool::hand_out_files() {
  for (const std::size_t place : used_) {
    Place& here = places_[place];
    const bool is_gone = here.handle->pid() == 0;
    if (here.wants_access_log)
      here.wants_access_log =
          !is_gone && !here.handle->give(ipc::MessageType::kAccessLog, setting().access_log);
    if (here.wants_tls)
      here.wants_tls =
          !is_gone && !here.handle->give(ipc::MessageType::kTlsMaterial, setting().tls);
  }
}

}  // namespace roundhouse::edge
