// What a primary does about the words of its workers.
#include <cerrno>

#include "cluster/primary.h"

namespace roundhouse::membership {

using cluster::Worker;

void Primary::on_said(std::size_t place, LineHeader header, std::span<const std::byte> content,
                      UniqueFd descriptor) {
  const std::shared_ptr<WorkerRecord> record = seats_[place].record;
  if (record == nullptr) return;
  switch (header.kind) {
    case LineKind::kOnline:
      return runtime_.emit([this, record] { runtime_.events().online.call(Worker(record)); });
    case LineKind::kListen:
      return on_listen(place, header, content);
    case LineKind::kListening:
      return on_listening(place, header.number);
    case LineKind::kClose:
      if (header.number < ipc::kMaxListeners) {
        seats_[place].handle->set_listens_on(header.number, false);
        listeners_->closed(place, header.number);
      }
      return;
    case LineKind::kLeave:
      return on_leave(place, header.number);
    case LineKind::kMessage: {
      std::string bytes(reinterpret_cast<const char*>(content.data()), content.size());
      auto fd = std::make_shared<UniqueFd>(std::move(descriptor));
      return runtime_.emit([this, record, bytes = std::move(bytes), fd] {
        deliver(runtime_.events(), Worker(record), bytes, *fd);
      });
    }
    case LineKind::kAnswer:
      return;  // of a primary; a worker that says it is ignored
  }
}

void Primary::on_listen(std::size_t place, LineHeader header, std::span<const std::byte> content) {
  Line& line = seats_[place].handle->line();
  const auto* const asked = content_as<ListenQuestion>(content);
  if (asked == nullptr) {
    ListenAnswer refused{};
    refused.error = EINVAL;
    line.send_struct({LineKind::kAnswer, header.number}, refused);
    return;
  }
  ListenQuestion question = *asked;
  question.address[sizeof question.address - 1] = '\0';
  const SharedListeners::Answer answer = listeners_->ask(place, question, settings_.cwd);
  line.send_struct({LineKind::kAnswer, header.number}, answer.answer, answer.descriptor);
}

void Primary::on_listening(std::size_t place, std::uint32_t listener) {
  const std::string address = listeners_->listening(place, listener);
  if (address.empty()) return;
  Seat& seat = seats_[place];
  seat.handle->set_listens_on(listener, true);
  listeners_->resume();
  runtime_.emit([this, record = seat.record, listening = listening_at(address)] {
    runtime_.events().listening.call(Worker(record), listening);
  });
}

void Primary::on_leave(std::size_t place, std::uint32_t how) {
  Seat& seat = seats_[place];
  seat.handle->announce_exit();
  if (how == static_cast<std::uint32_t>(Leaving::kDisconnect)) {
    if (!seat.record->leaving) retire(place);
    return;
  }
  seat.record->leaving = true;  // it exits by itself, now
}

}  // namespace roundhouse::membership
