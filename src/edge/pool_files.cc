// What workers that run are given anew: the file of the access log, certificates.
#include "base/log.h"
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
    if (takes_files(place)) places_[place].wants.insert(what);
  }
  hand_out_files();
}

// Who drains has no use for them.
bool Pool::takes_files(std::size_t place) const {
  return places_[place].handle->pid() != 0 && supervisor_.state(place) != WorkerState::kDraining;
}

void Pool::set_certificates(int fd, std::uint64_t number) {
  if (current_->setting.tls < 0) return;
  current_->setting.tls_number = number;
  if (next_ != nullptr && next_->setting.tls == current_->setting.tls)
    next_->setting.tls_number = number;
  for (const std::size_t place : used_) {
    if (takes_files(place)) certificates_.given(place, number);
  }
  set_file(ipc::MessageType::kTlsMaterial, fd);
}

// To one whose channel is full, or who could not use it, at a later tick.
void Pool::hand_out_files() {
  const PoolSetting& setting = current_->setting;
  for (const std::size_t place : certificates_.due_again(loop_.now()))
    places_[place].wants.insert(ipc::MessageType::kTlsMaterial);
  for (const std::size_t place : used_) {
    Place& here = places_[place];
    const bool is_gone = here.handle->pid() == 0;
    std::erase_if(here.wants, [&](ipc::MessageType what) {
      const bool counts = what == ipc::MessageType::kTlsMaterial;
      return is_gone || here.handle->give(what, file_of(current_->setting, what),
                                          counts ? setting.tls_number : 0);
    });
  }
}

void Pool::on_tls_answer(std::size_t place, std::uint64_t number, const std::string& refusal) {
  const std::initializer_list<log::Field> fields = {
      {"pool", options().name}, {"worker", id(place)}, {"pid", places_[place].handle->pid()}};
  switch (certificates_.answered(place, number, refusal, loop_.now())) {
    case CertificateLedger::News::kNone:
      break;
    case CertificateLedger::News::kRefused:
      log::error("worker_certificates_refused",
                 name_of(place) +
                     " cannot use the certificates that it was given, and goes on "
                     "with those before: " +
                     refusal,
                 fields);
      break;
    case CertificateLedger::News::kAcceptedAgain:
      log::info("worker_certificates_accepted",
                name_of(place) + " uses the certificates that it was given", fields);
      break;
  }
  publish(place);
}

}  // namespace roundhouse::edge
