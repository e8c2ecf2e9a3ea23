// What workers that run are given anew: the file of the access log, certificates.
#include "edge/pool.h"

namespace roundhouse::edge {
namespace {

int& file_of(PoolSetting& setting, ipc::MessageType what) {
  return what == ipc::MessageType::kTlsMaterial ? setting.tls : setting.access_log;
}

}  // namespace

void Pool::set_file(ipc::MessageType what, int fd) {
  int& ours = file_of(current_->setting, what);
  if (ours < 0) return;
  if (next_ != nullptr) {  // restarted or scaled, they have the same ones
    int& theirs = file_of(next_->setting, what);
    if (theirs == ours) theirs = fd;
  }
  ours = fd;
  for (const std::size_t place : used_) {
    if (places_[place].handle->pid() != 0) places_[place].wants.insert(what);
  }
  hand_out_files();
}

// To one whose channel is full at a later tick.
void Pool::hand_out_files() {
  for (const std::size_t place : used_) {
    Place& here = places_[place];
    const bool is_gone = here.handle->pid() == 0;
    std::erase_if(here.wants, [&](ipc::MessageType what) {
      return is_gone || here.handle->give(what, file_of(current_->setting, what));
    });
  }
}

}  // namespace roundhouse::edge
